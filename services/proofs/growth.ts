import { leafHash } from './merkle.ts'
import { encodeEntries, hashOfTile, levelsOf, type Tile, tileIn, tilesAt, tileWidth } from './tiles.ts'

/**
 * The right edge of a log: what is not yet in a full tile. `hashes`: per level, those of the partial tile; `entries`:
 * of the partial bundle.
 */
export type Edge = { size: number; hashes: Uint8Array[][]; entries: Uint8Array[] }
export type TileObject = { tile: Tile; bytes: Uint8Array }

export const emptyEdge: Edge = { size: 0, hashes: [], entries: [] }

/** The partial tiles that hold the edge of a tree of `size`; those of width 0 do not exist. */
export const edgeTiles = (size: number): Tile[] =>
  levelsOf(size)
    .map((level) => tileIn(level, tilesAt(level, size).full, size))
    .filter(({ width }) => width > 0)

/**
 * The log with these entries appended, and every tile it has then that it did not have before, full and partial.
 * A pure function: the same log and entries give the same bytes, whoever writes them.
 */
export const grow = (edge: Edge, added: readonly Uint8Array[]): { edge: Edge; tiles: TileObject[] } => {
  const tiles: TileObject[] = []
  const hashes = edge.hashes.map((row) => [...row])
  let entries = [...edge.entries]
  let size = edge.size

  const writeHashes = (level: number, row: Uint8Array[]) => {
    const tile = { level, index: Math.floor((size - 1) / tileWidth ** (level + 1)), width: row.length }
    tiles.push({ tile, bytes: Buffer.concat(row) })
  }
  const writeEntries = () => {
    const tile: Tile = { level: 'entries', index: Math.floor((size - 1) / tileWidth), width: entries.length }
    tiles.push({ tile, bytes: encodeEntries(entries) })
  }
  const push = (level: number, hash: Uint8Array) => {
    hashes[level] ??= []
    const row = hashes[level]
    row.push(hash)
    if (row.length < tileWidth) return
    writeHashes(level, row)
    hashes[level] = []
    push(level + 1, hashOfTile(row))
  }
  for (const entry of added) {
    size++
    entries.push(entry)
    push(0, leafHash(entry))
    if (entries.length < tileWidth) continue
    writeEntries()
    entries = []
  }
  if (added.length > 0) {
    for (const tile of edgeTiles(size)) {
      const bytes = tile.level === 'entries' ? encodeEntries(entries) : Buffer.concat(hashes[tile.level]!)
      tiles.push({ tile, bytes })
    }
  }
  return { edge: { size, hashes, entries }, tiles }
}
