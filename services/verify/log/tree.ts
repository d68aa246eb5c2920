import { rangeHash } from '../../proofs/merkle.ts'
import { hashOfTile, tileWidth } from '../../proofs/tiles.ts'

/** The right edge of a tree: per level of tiles, the hashes of its last tile, unless that is full. */
export type Rows = readonly Uint8Array[][]
export type FullRow = { level: number; hashes: Uint8Array[] }

/** The tree with a row of leaf hashes after whole rows. @returns its edge, and the rows that are full now */
export const addRow = (rows: Rows, row: Uint8Array[]): { rows: Rows; full: FullRow[] } => {
  const next = [...rows]
  const full: FullRow[] = []
  next[0] = row
  for (let level = 0; next[level]!.length === tileWidth; level++) {
    const hashes = next[level]!
    full.push({ level, hashes })
    next[level] = []
    next[level + 1] = [...(next[level + 1] ?? []), hashOfTile(hashes)]
  }
  return { rows: next, full }
}

/** RFC 6962, 2.1, of the tree of this size with this edge. */
export const rootOf = (rows: Rows, size: number): Promise<Uint8Array> =>
  rangeHash({ from: 0, to: size }, async ({ level, index }) => {
    const count = 2 ** (level % 8)
    const at = (index * count) % tileWidth
    return hashOfTile(rows[Math.floor(level / 8)]!.slice(at, at + count))
  })
