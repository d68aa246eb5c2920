import { edgeTiles } from '../../proofs/growth.ts'
import { encodeEntries, type Tile, tileIn, tileWidth } from '../../proofs/tiles.ts'
import type { Finding } from '../finding.ts'
import { type Bundle, inTileAbove, readBundles, rowOf } from './bundles.ts'
import type { ReadCheckpoint } from './checkpoints.ts'
import { isFinding, logFinding, type StoredLog } from './stored-log.ts'
import { addRow, type FullRow, type Rows, rootOf } from './tree.ts'

/** `entry`: null when it is not the one that the log vouches for, or cannot be read. */
export type ScannedLeaf = { index: number; id: Buffer; entry: Buffer | null }
export type ScanStep = { leaves: ScannedLeaf[]; findings: Finding[] }

const indicesAtOnce = 16

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

async function* compareTile(log: StoredLog, tile: Tile, expected: Uint8Array): AsyncGenerator<Finding> {
  const key = log.keys.tile(tile)
  const stored = await log.bytes(tile)
  if (isFinding(stored)) yield stored
  else if (!same(stored, expected)) yield logFinding('tampered', 'log-tile', key, 'it does not follow from the leaves')
}

const tileOfRow = ({ level, hashes }: FullRow, size: number): Tile => ({
  level,
  index: Math.floor((size - 1) / tileWidth ** (level + 1)),
  width: hashes.length,
})

/** The tree up to a size within a bundle. */
type Edge = { size: number; rows: Rows; bundle: Bundle }

/** The partial tiles of a checkpoint: whoever holds it asks for them */
async function* checkEdgeTiles(log: StoredLog, { size, rows, bundle }: Edge): AsyncGenerator<Finding> {
  for (const tile of edgeTiles(size)) {
    const { entries } = bundle
    if (tile.level !== 'entries') yield* compareTile(log, tile, Buffer.concat(rows[tile.level]!))
    else if (entries) yield* compareTile(log, tile, encodeEntries(entries.slice(0, tile.width)))
  }
}

async function* checkRoot(checkpoint: ReadCheckpoint, { rows }: Edge): AsyncGenerator<Finding> {
  const { size, root, key, storedAt } = checkpoint
  if (same(await rootOf(rows, size), root)) return
  const detail = `the first ${size} leaves are others than those that it vouches for`
  yield storedAt === null
    ? logFinding('tampered', 'log-forked', key, `${detail}: it was kept outside, and the log was rewritten`)
    : logFinding('tampered', 'log-root', key, detail)
}

/** Checkpoints in order of their sizes, those kept outside and those stored, as far as leaves have come. */
const createDue = (kept: readonly ReadCheckpoint[], stored: AsyncIterator<ReadCheckpoint | Finding>) => {
  const waiting = [...kept].sort((a, b) => a.size - b.size)
  let next: ReadCheckpoint | null = null
  let isDone = false
  const pull = async function* (): AsyncGenerator<Finding> {
    while (!next && !isDone) {
      const { value, done } = await stored.next()
      if (done) isDone = true
      else if (isFinding(value)) yield value
      else next = value
    }
  }
  return async function* (size: number): AsyncGenerator<Finding | ReadCheckpoint> {
    while (waiting[0] && waiting[0].size <= size) yield waiting.shift()!
    for (yield* pull(); next && next.size <= size; yield* pull()) {
      const due: ReadCheckpoint = next
      next = null
      yield due
    }
  }
}

export type Scanned = {
  size: number
  /** Those to be compared with: kept outside. */
  kept: readonly ReadCheckpoint[]
  /** Those in the store, smallest first; the latest at least. */
  stored: AsyncIterator<ReadCheckpoint | Finding>
  /** The tiles of checkpoints before the latest, and where each leaf is said to stand, too. */
  thorough: boolean
  root: Uint8Array
}

const checkIndex = async (log: StoredLog, { index, id }: ScannedLeaf): Promise<Finding | null> => {
  const said = await log.indexOf(id.toString('hex'))
  if (typeof said !== 'string') return said
  if (said === `${index}\n`) return null
  return logFinding('tampered', 'log-index', log.keys.leafIndex(id.toString('hex')), `the leaf stands as ${index}`)
}

async function* checkIndices(log: StoredLog, leaves: readonly ScannedLeaf[]): AsyncGenerator<Finding> {
  for (let first = 0; first < leaves.length; first += indicesAtOnce) {
    const some = leaves.slice(first, first + indicesAtOnce)
    for (const found of await Promise.all(some.map((leaf) => checkIndex(log, leaf)))) if (found) yield found
  }
}

const leavesOf = ({ index, entries, made }: Bundle, row: readonly Buffer[]): ScannedLeaf[] =>
  row.map((id, at) => ({
    index: index * tileWidth + at,
    id,
    entry: entries && made && same(made[at]!, id) ? entries[at]! : null,
  }))

const broken = (log: StoredLog, index: number, size: number): Finding =>
  logFinding('tampered', 'log-broken', log.keys.tile(tileIn(0, index, size)), 'neither leaves nor hashes can be read')

/**
 * All leaves of the log up to `size`, in order, with what is wrong with the log: the tree is made of the leaves anew, and
 * each tile and root compared with it. One bundle and the right edge of the tree are in memory.
 */
export async function* scanLog(log: StoredLog, scanned: Scanned): AsyncGenerator<ScanStep> {
  const { size, kept, stored, thorough } = scanned
  const due = createDue(kept, stored)
  let rows: Rows = [[]]
  for await (const bundle of readBundles(log, size)) {
    const first = bundle.index * tileWidth
    const { row, findings } = await rowOf(log, bundle, size, async (candidate) =>
      first + tileWidth >= size
        ? same(await rootOf(addRow(rows, candidate).rows, size), scanned.root)
        : inTileAbove(log, bundle.index, size, candidate),
    )
    if (row === null) {
      yield { leaves: [], findings: [...findings, broken(log, bundle.index, size)] } // nothing above can be made either
      return
    }
    for await (const each of due(first + row.length)) {
      if (isFinding(each)) {
        findings.push(each)
        continue
      }
      const edge = { size: each.size, bundle, rows: addRow(rows, row.slice(0, each.size - first)).rows }
      for await (const found of checkRoot(each, edge)) findings.push(found)
      if (each.size === size || (thorough && each.storedAt !== null))
        for await (const found of checkEdgeTiles(log, edge)) findings.push(found)
    }
    const leaves = leavesOf(bundle, row)
    if (thorough) for await (const found of checkIndices(log, leaves)) findings.push(found)
    const grown = addRow(rows, row)
    rows = grown.rows
    for (const full of grown.full) {
      if (full.level === 0) continue // compared as it was read
      const tile = tileOfRow(full, first + row.length)
      for await (const found of compareTile(log, tile, Buffer.concat(full.hashes))) findings.push(found)
    }
    yield { leaves, findings: unique(findings) }
  }
}

/** A tile of the latest checkpoint that is read in two ways is told of once. */
const unique = (findings: Finding[]): Finding[] =>
  [...new Map(findings.toReversed().map((finding) => [finding.where.key, finding])).values()].toReversed()
