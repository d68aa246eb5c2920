import { hasCode } from '#services/errors.ts'
import { type Checkpoint, openCheckpoint } from '#services/proofs/checkpoint.ts'
import { type Edge, edgeTiles, emptyEdge } from '#services/proofs/growth.ts'
import { leafHash, rangeHash } from '#services/proofs/merkle.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { createTileHashes, decodeEntries, decodeHashes } from '#services/proofs/tiles.ts'
import type { LogContext } from '../context.ts'
import { fork } from './fork.ts'

type Signed = { checkpoint: Checkpoint; note: string }

const readCheckpoint = async ({ reader, logKey }: LogContext, size: number): Promise<Signed> => {
  const bytes = await reader.checkpoint(size)
  const checkpoint = openCheckpoint(bytes, verifierOf(logKey))
  if (checkpoint.size !== size) throw fork(`the checkpoint at ${size} is of ${checkpoint.size} leaves`)
  return { checkpoint, note: Buffer.from(bytes).toString() }
}

const readEdge = async ({ reader }: LogContext, { size, root }: Checkpoint): Promise<Edge> => {
  const edge: Edge = { size, hashes: [], entries: [] }
  for (const tile of edgeTiles(size)) {
    const bytes = await reader.tile(tile)
    if (tile.level === 'entries') edge.entries = decodeEntries(tile, bytes)
    else edge.hashes[tile.level] = decodeHashes(tile, bytes)
  }
  for (let level = 0; level < edge.hashes.length; level++) edge.hashes[level] ??= []
  const inTiles = await rangeHash({ from: 0, to: size }, createTileHashes(size, reader.tile))
  if (Buffer.compare(inTiles, root) !== 0) throw fork(`the tiles are not those of the checkpoint at ${size}`)
  if (edge.entries.some((entry, at) => Buffer.compare(leafHash(entry), edge.hashes[0]![at]!) !== 0))
    throw fork(`the last entries are not those of the checkpoint at ${size}`)
  return edge
}

const wrong = ['BTZ_EVIDENCE_CORRUPT', 'BTZ_RECORDING_NOT_FOUND'] as const

/** The log as its latest checkpoint has it. @throws BTZ_LOG_FORK when what stands is not signed by our key, or not what it signed */
export const loadEdge = async (ctx: LogContext): Promise<Edge> => {
  const size = await ctx.reader.latestSize()
  if (size === null) return emptyEdge
  try {
    const { checkpoint, note } = await readCheckpoint(ctx, size)
    const edge = await readEdge(ctx, checkpoint)
    ctx.stored({ origin: checkpoint.origin, size, note })
    return edge
  } catch (error) {
    if (!wrong.some((code) => hasCode(error, code))) throw error
    throw fork(`the log cannot go on after its checkpoint at ${size}: ${(error as Error).message}`, error)
  }
}
