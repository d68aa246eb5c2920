import { hash } from 'node:crypto'
import { BartizanError } from '../errors.ts'
import { type NoteSigner, type NoteVerifier, openNote, signNote } from '../proofs/note.ts'
import { canonicalJson } from '../recordings/format/manifest.ts'
import { Statement } from '../schema/statement.ts'

const head = 'bartizan statement v1\n'
/** All statements. */
export const statementsRoot = 'evidence/v1/statements/'
const maxSegment = 200
const numberDigits = 4

/** All of one day. */
export const statementsOfDay = (date: string): string => `${statementsRoot}${date}/`
/** A name too long for a segment of a key is told apart by its hash. */
const segmentOf = (bastion: string): string =>
  bastion.length <= maxSegment ? bastion : `${bastion.slice(0, 100)}.${hash('sha256', bastion)}`

export const statementKeyOf = ({ date, bastion, number }: { date: string; bastion: string; number: number }): string =>
  `${statementsOfDay(date)}${segmentOf(bastion)}/${String(number).padStart(numberDigits, '0')}`

/** In words: what somebody reads who has no program. */
export const sentenceOf = ({ bastion, date, seen, complete, open, gaps, agentSilentMs }: Statement): string => {
  const found = Object.entries(gaps).flatMap(([gap, count]) => (count > 0 ? [`${count} ${gap}`] : []))
  const silent = agentSilentMs > 0 ? `; agent silent for ${Math.ceil(agentSilentMs / 1_000)} s` : ''
  const goingOn = open > 0 ? `, ${open} open` : ''
  return `${bastion} ${date} UTC: ${seen} seen, ${complete} complete${goingOn}; gaps: ${found.join(', ') || 'none'}${silent}`
}

/**
 * A signed note (c2sp.org/signed-note): a sentence, and the same in canonical JSON; the key of the log vouches for it. The
 * same statement gives the same bytes.
 */
export const encodeStatement = (statement: Statement, signer: NoteSigner): Uint8Array =>
  Buffer.from(signNote(`${head}${sentenceOf(statement)}\n${canonicalJson(statement)}\n`, signer))

export const statementHash = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex')

const corrupt = (why: string, cause?: unknown) =>
  new BartizanError('BTZ_EVIDENCE_CORRUPT', `a daily statement: ${why}`, { cause })

/** @throws BTZ_EVIDENCE_CORRUPT when it is none, or the key of the log did not sign it */
export const openStatement = (bytes: Uint8Array, verifier: NoteVerifier): Statement => {
  const text = openNote(bytes, verifier)
  if (!text.startsWith(head)) throw corrupt('signed, but something else')
  const [sentence = '', json = '', ...rest] = text.slice(head.length).split('\n')
  let statement: Statement
  try {
    statement = Statement.parse(JSON.parse(json))
  } catch (cause) {
    throw corrupt('its fields are wrong', cause)
  }
  const isCanonical = canonicalJson(statement) === json && rest.join('\n') === ''
  if (!isCanonical || sentenceOf(statement) !== sentence) throw corrupt('not in canonical form')
  return statement
}
