import { signCheckpoint } from '#services/proofs/checkpoint.ts'
import { type Edge, grow } from '#services/proofs/growth.ts'
import type { Leaf } from '#services/proofs/leaf.ts'
import { rangeHash } from '#services/proofs/merkle.ts'
import { createTileHashes } from '#services/proofs/tiles.ts'
import type { LogContext } from '../context.ts'
import { putSame } from './put-same.ts'

/**
 * Appends leaves and stores the checkpoint over them. Its root is made from tiles as they were read back, so nothing is
 * signed that is not there. Done again after a crash it writes the same bytes.
 * @throws BTZ_LOG_FORK
 */
export const writeCheckpoint = async (ctx: LogContext, before: Edge, leaves: readonly Leaf[]): Promise<Edge> => {
  const { edge, tiles } = grow(
    before,
    leaves.map(({ entry }) => entry),
  )
  const places = leaves.map(({ id }, at) => ({
    key: ctx.keys.leafIndex(id),
    bytes: Buffer.from(`${before.size + at}\n`),
  }))
  await putSame(ctx, places)
  await putSame(
    ctx,
    tiles.map(({ tile, bytes }) => ({ key: ctx.keys.tile(tile), bytes })),
  )
  const root = await rangeHash({ from: 0, to: edge.size }, createTileHashes(edge.size, ctx.reader.tile))
  const note = signCheckpoint(edge.size, root, ctx.logKey)
  await putSame(ctx, [{ key: ctx.keys.checkpoint(edge.size), bytes: Buffer.from(note) }])
  ctx.metrics.checkpoints.inc()
  ctx.stored({ origin: ctx.logKey.name, size: edge.size, note })
  return edge
}
