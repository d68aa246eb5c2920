import { BartizanError } from '../errors.ts'

/**
 * The revision of a document: its sequence number, which counts over the whole index and is never used again, under
 * the term of the shard's primary, since what a lost primary had not acknowledged may give its number to another write.
 * Both together grow with every put.
 */
export type Standing = { seqNo: number; term: number }

const seqNos = 2 ** 38
const terms = 2 ** 15 // 2^53 is where integers end to be exact

export const revisionOf = ({ seqNo, term }: Standing): number => {
  if (seqNo < seqNos - 1 && term < terms) return term * seqNos + seqNo + 1
  throw new BartizanError('BTZ_INTERNAL', 'the index of the state store has used up its revisions', {
    hint: 'copy it into a new index',
  })
}

/** Null: no revision of ours. */
export const standingOf = (revision: number): Standing | null => {
  const term = Math.floor(revision / seqNos)
  const seqNo = (revision % seqNos) - 1
  return Number.isSafeInteger(revision) && term >= 1 && seqNo >= 0 ? { seqNo, term } : null
}
