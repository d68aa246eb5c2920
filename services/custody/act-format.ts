import { BartizanError } from '../errors.ts'
import { type NoteSigner, type NoteVerifier, openNote, signNote } from '../proofs/note.ts'
import { canonicalJson } from '../recordings/format/manifest.ts'
import { CustodyAct } from '../schema/custody-act.ts'

const head = 'bartizan act v1\n'
/** All acts. */
export const actsRoot = 'evidence/v1/acts/'
const disposals = 'disposal'

/** All acts of a session stand together; those of many sessions in a folder of their own. */
export const actsPrefix = (sessionId: string | null): string => `${actsRoot}${sessionId ?? disposals}/`

export const actKeyOf = (act: CustodyAct): string => actsPrefix(act.kind === 'disposal' ? null : act.sessionId) + act.id

/** A signed note (c2sp.org/signed-note) over the act in canonical JSON: the key of the log vouches for it. */
export const encodeAct = (act: CustodyAct, signer: NoteSigner): Uint8Array =>
  Buffer.from(signNote(`${head}${canonicalJson(act)}\n`, signer))

const corrupt = (why: string, cause?: unknown) =>
  new BartizanError('BTZ_EVIDENCE_CORRUPT', `an act of custody: ${why}`, { cause })

/** @throws BTZ_EVIDENCE_CORRUPT when it is none, or the key of the log did not sign it */
export const openAct = (bytes: Uint8Array, verifier: NoteVerifier): CustodyAct => {
  const text = openNote(bytes, verifier)
  if (!text.startsWith(head)) throw corrupt('signed, but something else')
  const json = text.slice(head.length, -1)
  let act: CustodyAct
  try {
    act = CustodyAct.parse(JSON.parse(json))
  } catch (cause) {
    throw corrupt('its fields are wrong', cause)
  }
  if (canonicalJson(act) !== json) throw corrupt('not in canonical form')
  return act
}
