import { BartizanError } from '../errors.ts'
import { hashBytes } from './merkle.ts'
import { type NoteSigner, type NoteVerifier, openNote, signNote } from './note.ts'

/** What the log's key vouches for, as c2sp.org/tlog-checkpoint writes it: so many leaves, and the root over them. */
export type Checkpoint = { origin: string; size: number; root: Uint8Array }

/** The same log at the same size gives the same bytes. */
export const signCheckpoint = (size: number, root: Uint8Array, signer: NoteSigner): string =>
  signNote(`${signer.name}\n${size}\n${Buffer.from(root).toString('base64')}\n`, signer)

const malformed = () => new BartizanError('BTZ_EVIDENCE_CORRUPT', 'a note that is signed, but is no checkpoint')

/** @throws BTZ_EVIDENCE_CORRUPT when it is not a checkpoint of this log, signed by it */
export const openCheckpoint = (note: Uint8Array, verifier: NoteVerifier): Checkpoint => {
  const [origin, size, base64, ...others] = openNote(note, verifier).slice(0, -1).split('\n')
  if (origin !== verifier.name || !/^(0|[1-9]\d{0,15})$/.test(size ?? '')) throw malformed()
  if (!/^[A-Za-z0-9+/]{43}=$/.test(base64 ?? '') || others.includes('')) throw malformed()
  const root = Buffer.from(base64!, 'base64')
  if (!Number.isSafeInteger(Number(size)) || root.length !== hashBytes) throw malformed()
  return { origin, size: Number(size), root }
}
