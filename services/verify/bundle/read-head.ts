import type { z } from 'zod'
import { hasCode } from '../../errors.ts'
import { parsedJson } from '../../json.ts'
import { type Checkpoint, openCheckpoint } from '../../proofs/checkpoint.ts'
import { formatVerifier, type NoteVerifier, parseVerifier } from '../../proofs/note.ts'
import { tampered } from '../acts.ts'
import type { Finding } from '../finding.ts'
import { isFinding } from '../log/stored-log.ts'
import { About, Agents, files, Proofs } from './bundle-format.ts'

/** The files of a bundle that are none of its objects, by name. */
export type Small = ReadonlyMap<string, Buffer>
export type Head = {
  about: About
  agents: Agents
  proofs: Proofs
  verifier: NoteVerifier
  checkpoint: Checkpoint | null
  sessionKey: Buffer | null
}

export const none = (name: string): Finding => tampered('bundle', name, 'a bundle has it, and this one does not')

/** As it is written, and no other way. */
const parsed = <T extends z.ZodType>(schema: T, name: string, small: Small): z.infer<T> | Finding => {
  const text = small.get(name)?.toString()
  if (text === undefined) return none(name)
  const read = schema.safeParse(parsedJson(text))
  if (!read.success) return tampered('bundle', name, 'it does not have the form of a bundle')
  return `${JSON.stringify(read.data)}\n` === text
    ? read.data
    : tampered('bundle', name, 'it is not written as a bundle is')
}

const orFinding = <T extends object>(name: string, read: () => T): T | Finding => {
  try {
    return read()
  } catch (error) {
    if (!hasCode(error, 'BTZ_EVIDENCE_CORRUPT') && !hasCode(error, 'BTZ_KEY_INVALID')) throw error
    return tampered('bundle', name, (error as Error).message)
  }
}

const verifierIn = (small: Small, trusted: NoteVerifier | null): NoteVerifier | Finding => {
  const own = orFinding(files.logKey, () => parseVerifier(small.get(files.logKey)?.toString().slice(0, -1) ?? ''))
  if (isFinding(own) || trusted === null || formatVerifier(own) === formatVerifier(trusted)) return own
  return tampered('log-key', files.logKey, 'the bundle was made with the key of another log than the one to be trusted')
}

/** What comes before the objects; what is wrong with it, when it cannot be worked with. */
export const headOf = (small: Small, trusted: NoteVerifier | null): Head | Finding[] => {
  const verifier = verifierIn(small, trusted)
  const about = parsed(About, files.about, small)
  const agents = parsed(Agents, files.agents, small)
  const proofs = parsed(Proofs, files.proofs, small)
  const note = small.get(files.checkpoint)
  const signer = trusted ?? (isFinding(verifier) ? null : verifier)
  const checkpoint = note && signer ? orFinding(files.checkpoint, () => openCheckpoint(note, signer)) : null
  const key = small.get(files.sessionKey)
  const sessionKey = key ? Buffer.from(key.toString(), 'base64') : null
  const wrong = [verifier, about, agents, proofs, checkpoint].filter((each) => each !== null && isFinding(each))
  if (key && sessionKey && `${sessionKey.toString('base64')}\n` !== key.toString())
    wrong.push(tampered('bundle', files.sessionKey, 'it is no key'))
  if (wrong.length > 0) return wrong as Finding[]
  return { verifier, about, agents, proofs, checkpoint, sessionKey } as Head
}
