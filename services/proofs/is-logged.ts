import { BartizanError } from '../errors.ts'
import type { RecordingReader } from '../recordings/recording-store.ts'
import { openCheckpoint } from './checkpoint.ts'
import { createLogReader } from './log-reader.ts'
import { isIncluded, proveInclusion } from './merkle.ts'
import type { NoteVerifier } from './note.ts'
import { createTileHashes } from './tiles.ts'

/**
 * Whether the latest checkpoint in the store, read back and checked, covers the leaf with this id.
 * @throws BTZ_LOG_FORK when the leaf has a place, and the checkpoint does not vouch for it; BTZ_EVIDENCE_CORRUPT
 */
export const createIsLogged = (recordings: Pick<RecordingReader, 'get' | 'list'>, verifier: NoteVerifier) => {
  const reader = createLogReader(recordings, verifier)
  return async (leafId: string): Promise<boolean> => {
    const index = await reader.indexOf(leafId)
    const size = index === null ? null : await reader.latestSize()
    if (index === null || size === null || size <= index) return false
    const { root } = openCheckpoint(await reader.checkpoint(size), verifier)
    const proof = await proveInclusion(index, size, createTileHashes(size, reader.tile))
    if (isIncluded({ index, size, leaf: Buffer.from(leafId, 'hex'), root: Buffer.from(root), proof })) return true
    throw new BartizanError('BTZ_LOG_FORK', `the checkpoint at ${size} does not vouch for leaf ${leafId}`)
  }
}
