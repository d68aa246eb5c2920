import { BartizanError } from '../errors.ts'
import { type HashOf, hashBytes, type Node, nodeHash } from './merkle.ts'

/** Tiles and entry bundles as c2sp.org/tlog-tiles names and writes them: 256 hashes, or 256 entries, to one object. */

export const tileWidth = 256
const tileHeight = 8
const maxTileLevel = 5 // 256^6 leaves; sizes stay below 2^48
const maxEntryBytes = 0xffff

/** `level` "entries": the entries themselves. `width`: hashes or entries in it; below 256 it is a partial one. */
export type Tile = { level: number | 'entries'; index: number; width: number }

/** 1234067 → x001/x234/067 */
const indexPath = (index: number): string => {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g)!
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/')
}

/** `tile/0/x001/067` or, of a partial tile, `tile/0/x001/067.p/5`. */
export const tilePath = ({ level, index, width }: Tile): string =>
  `tile/${level}/${indexPath(index)}${width < tileWidth ? `.p/${width}` : ''}`

const pathForm = /^tile\/([0-5]|entries)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/** Null: not the one way to write a tile's path. */
export const parseTilePath = (path: string): Tile | null => {
  const [, level, digits, partial] = pathForm.exec(path) ?? []
  if (level === undefined || digits === undefined) return null
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, '')),
    width: partial === undefined ? tileWidth : Number(partial),
  }
  return tilePath(tile) === path ? tile : null
}

/** How many leaves one hash of this level stands for. */
const leavesPerHash = (level: number | 'entries'): number => (level === 'entries' ? 1 : tileWidth ** level)

/** All tiles of one level in a tree of `size`: how many full ones, and the width of the partial one, 0 for none. */
export const tilesAt = (level: number | 'entries', size: number): { full: number; partial: number } => {
  const hashes = Math.floor(size / leavesPerHash(level))
  return { full: Math.floor(hashes / tileWidth), partial: hashes % tileWidth }
}

/** The tile with this index in a tree of `size`; width 0: there is none. */
export const tileIn = (level: number | 'entries', index: number, size: number): Tile => {
  const { full, partial } = tilesAt(level, size)
  return { level, index, width: index < full ? tileWidth : index === full ? partial : 0 }
}

/** Levels of hashes, and last the entries, that have a tile in a tree of `size`. */
export const levelsOf = (size: number): (number | 'entries')[] => {
  const levels: (number | 'entries')[] = []
  for (let level = 0; level <= maxTileLevel && leavesPerHash(level) <= size; level++) levels.push(level)
  return size > 0 ? [...levels, 'entries'] : levels
}

/** Every entry behind its length, two bytes, big-endian. @throws BTZ_PAYLOAD_TOO_LARGE */
export const encodeEntries = (entries: readonly Uint8Array[]): Buffer =>
  Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.byteLength > maxEntryBytes)
        throw new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `a log entry of ${entry.byteLength} bytes`)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(entry.byteLength)
      return [length, entry]
    }),
  )

/** No tile of ours is larger. */
export const maxTileBytes = ({ level, width }: Tile): number =>
  width * (level === 'entries' ? maxEntryBytes + 2 : hashBytes)

const corrupt = (path: string, why: string) => new BartizanError('BTZ_EVIDENCE_CORRUPT', `${path}: ${why}`)

/** @throws BTZ_EVIDENCE_CORRUPT unless there are exactly as many as the tile is wide */
export const decodeEntries = (tile: Tile, bytes: Uint8Array): Buffer[] => {
  const [buffer, entries] = [Buffer.from(bytes), [] as Buffer[]]
  for (let at = 0; at < buffer.length; ) {
    const end = at + 2 <= buffer.length ? at + 2 + buffer.readUInt16BE(at) : Number.POSITIVE_INFINITY
    if (end > buffer.length || entries.length >= tile.width) throw corrupt(tilePath(tile), 'not so many whole entries')
    entries.push(buffer.subarray(at + 2, end))
    at = end
  }
  if (entries.length === tile.width) return entries
  throw corrupt(tilePath(tile), `${entries.length} entries`)
}

/** @throws BTZ_EVIDENCE_CORRUPT unless there are exactly as many as the tile is wide */
export const decodeHashes = (tile: Tile, bytes: Uint8Array): Buffer[] => {
  if (bytes.byteLength !== tile.width * hashBytes) throw corrupt(tilePath(tile), `${bytes.byteLength} bytes`)
  const buffer = Buffer.from(bytes)
  return Array.from({ length: tile.width }, (_, at) => buffer.subarray(at * hashBytes, (at + 1) * hashBytes))
}

/** A power of two of hashes to the one above them. */
export const hashOfTile = (hashes: Uint8Array[]): Uint8Array => {
  let row = hashes
  while (row.length > 1)
    row = Array.from({ length: row.length / 2 }, (_, at) => nodeHash(row[2 * at]!, row[2 * at + 1]!))
  return row[0]!
}

export type ReadTile = (tile: Tile) => Promise<Uint8Array>

/** Hashes of subtrees in the tree of `size`, out of its tiles, each of which is read once. */
export const createTileHashes = (size: number, read: ReadTile): HashOf => {
  const tiles = new Map<string, Promise<Buffer[]>>()
  const hashesIn = (tile: Tile): Promise<Buffer[]> => {
    const path = tilePath(tile)
    const known = tiles.get(path) ?? read(tile).then((bytes) => decodeHashes(tile, bytes))
    tiles.set(path, known)
    return known
  }
  return async ({ level, index }: Node) => {
    const count = 2 ** (level % tileHeight)
    const first = index * count
    const tile = tileIn(Math.floor(level / tileHeight), Math.floor(first / tileWidth), size)
    const hashes = (await hashesIn(tile)).slice(first % tileWidth, (first % tileWidth) + count)
    if (hashes.length < count) throw new RangeError(`no subtree ${level}/${index} in a tree of ${size}`)
    return hashOfTile(hashes)
  }
}
