import { leafHash } from '../../proofs/merkle.ts'
import { hashOfTile, tileIn, tileWidth } from '../../proofs/tiles.ts'
import type { Finding } from '../finding.ts'
import { isFinding, logFinding, type StoredLog } from './stored-log.ts'

/** Up to 256 leaves: the entries and the tile of their hashes, as they stand. Null: not to be read. */
export type Bundle = {
  index: number
  entries: Buffer[] | null
  hashes: Buffer[] | null
  /** The hashes of the entries. */
  made: Buffer[] | null
  findings: Finding[]
}
const readAhead = 8

const readBundle = async (log: StoredLog, index: number, size: number): Promise<Bundle> => {
  const [entries, hashes] = await Promise.all([
    log.entries(tileIn('entries', index, size)),
    log.hashes(tileIn(0, index, size)),
  ])
  return {
    index,
    entries: isFinding(entries) ? null : entries,
    hashes: isFinding(hashes) ? null : hashes,
    made: isFinding(entries) ? null : entries.map(leafHash),
    findings: [entries, hashes].filter((each) => isFinding(each)),
  }
}

/** In order, some being read while one is looked at. */
export async function* readBundles(log: StoredLog, size: number): AsyncGenerator<Bundle> {
  const count = Math.ceil(size / tileWidth)
  const ahead: Promise<Bundle>[] = []
  const startNext = (index: number): void => {
    const started = readBundle(log, index, size)
    started.catch(() => {}) // thrown where it is waited for
    ahead.push(started)
  }
  for (let index = 0; index < Math.min(readAhead, count); index++) startNext(index)
  for (let index = 0; index < count; index++) {
    if (index + readAhead < count) startNext(index + readAhead)
    yield await ahead.shift()!
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const sameRow = (a: Uint8Array[], b: Uint8Array[]): boolean => same(Buffer.concat(a), Buffer.concat(b))

/** Which of two rows the signed root vouches for; the tile above says it of a whole one. */
type Vouched = (row: Buffer[]) => Promise<boolean>

/** The hashes of the leaves here, and what was found wrong on the way to them; null: there is nothing to make them of. */
export const rowOf = async (
  log: StoredLog,
  bundle: Bundle,
  size: number,
  isVouched: Vouched,
): Promise<{ row: Buffer[] | null; findings: Finding[] }> => {
  const { index, hashes, made, findings } = bundle
  if (hashes === null || made === null) return { row: hashes ?? made, findings }
  if (sameRow(hashes, made)) return { row: hashes, findings }
  const altered = (level: 0 | 'entries', detail: string): Finding =>
    logFinding('tampered', 'log-tile', log.keys.tile(tileIn(level, index, size)), detail)
  if (!(await isVouched(hashes)) && (await isVouched(made)))
    return { row: made, findings: [altered(0, 'it holds other hashes than those of the entries that the log has')] }
  const at = hashes.findIndex((hash, position) => !same(hash, made[position]!))
  const which = `leaf ${index * tileWidth + at} is another than the one that the log vouches for`
  return { row: hashes, findings: [altered('entries', which)] }
}

/** Of a whole row: the tile above holds its hash. */
export const inTileAbove = async (log: StoredLog, index: number, size: number, row: Buffer[]): Promise<boolean> => {
  const tile = tileIn(1, Math.floor(index / tileWidth), size)
  if (tile.width === 0) return false
  const above = await log.hashes(tile)
  return !isFinding(above) && same(above[index % tileWidth] ?? Buffer.alloc(0), hashOfTile(row))
}
