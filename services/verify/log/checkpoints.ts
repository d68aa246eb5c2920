import { hasCode } from '../../errors.ts'
import { type Checkpoint, openCheckpoint } from '../../proofs/checkpoint.ts'
import { createLogReader } from '../../proofs/log-reader.ts'
import type { Finding } from '../finding.ts'
import { listObjects } from '../read-objects.ts'
import { isFinding, type StoredLog } from './stored-log.ts'

/** `storedAt`: null for one that was kept outside; `key` is where it should stand then. */
export type ReadCheckpoint = Omit<Checkpoint, 'origin'> & { key: string; storedAt: Date | null }

/** Each checkpoint that is stored, smallest first. */
export async function* storedCheckpoints(log: StoredLog): AsyncGenerator<ReadCheckpoint | Finding> {
  for await (const { key, storedAt } of listObjects(log.source, log.keys.checkpoints)) {
    const read = await log.checkpoint(key)
    yield isFinding(read) ? read : { ...read, key, storedAt }
  }
}

/** Where the latest is none, the one before it counts: what the log says until then can still be asked. */
async function* lastGood(log: StoredLog): AsyncGenerator<Finding, ReadCheckpoint | null> {
  let good: ReadCheckpoint | null = null
  for await (const read of storedCheckpoints(log)) {
    if (isFinding(read)) yield read
    else good = read
  }
  return good
}

/** The latest checkpoint that holds, and what is wrong with others on the way to it. Null: there is none. */
export async function* latestCheckpoint(log: StoredLog): AsyncGenerator<Finding, ReadCheckpoint | null> {
  const { source, keys, verifier } = log
  let size: number | null
  try {
    size = await createLogReader(source, verifier).latestSize()
  } catch (error) {
    if (!hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) throw error
    return yield* lastGood(log)
  }
  if (size === null) return null
  const key = keys.checkpoint(size)
  const read = await log.checkpoint(key)
  if (isFinding(read)) return yield* lastGood(log)
  const [object] = await source.list(key, { limit: 1 })
  return { ...read, key, storedAt: object?.storedAt ?? null }
}

/** A checkpoint that somebody kept where nobody here could reach it. @throws BTZ_EVIDENCE_CORRUPT: it is none of this log */
export const keptCheckpoint = (note: Uint8Array, { keys, verifier }: StoredLog): ReadCheckpoint => {
  const { size, root } = openCheckpoint(note, verifier)
  return { size, root, key: keys.checkpoint(size), storedAt: null }
}
