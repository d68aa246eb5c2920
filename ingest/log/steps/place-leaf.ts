import type { Leaf } from '#services/proofs/leaf.ts'
import { createTileHashes } from '#services/proofs/tiles.ts'
import type { LogContext } from '../context.ts'
import { fork } from './fork.ts'

/** `size`: what a checkpoint covers. `next`: the index that the leaf gets when it is new. */
export type Place = { size: number; next: number }

/**
 * Whether a leaf is new. `index`: where the store says that it stands. Below `size` it has to stand there; from there on
 * somebody began to write it, and must have counted as we do.
 * @throws BTZ_LOG_FORK
 */
export const isNewLeaf = async (
  { reader }: LogContext,
  { id }: Leaf,
  index: number | null,
  { size, next }: Place,
): Promise<boolean> => {
  if (index === null || index === next) return true
  if (index >= size) throw fork(`leaf ${id} should be number ${next}, and stands as ${index}`)
  const hash = await createTileHashes(size, reader.tile)({ level: 0, index })
  if (Buffer.from(hash).toString('hex') !== id) throw fork(`leaf ${id} is said to be number ${index}, and is not`)
  return false
}
