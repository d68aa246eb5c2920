import { Buffer } from 'node:buffer'

/** A place in a session's chain: a batch and the SHA-256 of its finished bytes. */
export type ChainPoint = { seq: number; hash: Uint8Array }
export type ChainLink = ChainPoint & { prevHash: Uint8Array }

/**
 * How `batch` follows on `previous` (null: nothing before).
 * `duplicate`: at or before it; only for the same seq are the hashes compared here, an earlier one is the caller's.
 * `fork`: the same place with other content, or a successor that names another predecessor.
 */
export const checkChain = (previous: ChainPoint | null, batch: ChainLink): 'ok' | 'duplicate' | 'gap' | 'fork' => {
  const nextSeq = previous === null ? 0 : previous.seq + 1
  if (batch.seq > nextSeq) return 'gap'
  if (previous === null) return 'ok'
  if (batch.seq === nextSeq) return sameBytes(batch.prevHash, previous.hash) ? 'ok' : 'fork'
  return batch.seq < previous.seq || sameBytes(batch.hash, previous.hash) ? 'duplicate' : 'fork'
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
