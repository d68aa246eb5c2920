import { actKeyOf, actsPrefix, actsRoot, openAct } from '../custody/act-format.ts'
import { hasCode } from '../errors.ts'
import type { NoteVerifier } from '../proofs/note.ts'
import { type Checked, createTally, type Finding } from './finding.ts'
import type { ReadObject } from './read-objects.ts'

/** Where the acts about many sessions stand. */
export const disposals = actsPrefix(null)
const form = new RegExp(`^(${actsRoot}(?:disposal|[0-9a-f-]{36})/)[0-9a-f-]{36}$`)

/** What acts stand together; null: it is none. */
export const actGroupOf = (key: string): string | null => form.exec(key)?.[1] ?? null

export const tampered = (what: string, key: string, detail: string): Finding => ({
  level: 'sealed',
  verdict: 'tampered',
  what,
  where: { key },
  detail,
})

/** What is wrong with a signed note that stands under this key. */
export type CheckNote = (key: string, bytes: Uint8Array, verifier: NoteVerifier) => Finding | null

export const checkAct: CheckNote = (key, bytes, verifier) => {
  try {
    const act = openAct(bytes, verifier)
    return actKeyOf(act) === key ? null : tampered('misplaced', key, `it is act ${act.id} of another place`)
  } catch (error) {
    if (hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) return tampered('act', key, (error as Error).message)
    throw error
  }
}

/**
 * The acts of custody about one session, or disposals, or the statements of a day. `verifier`: null: there is no key to
 * check their signatures with.
 */
export async function* verifyNotes(
  prefix: string,
  objects: AsyncIterable<ReadObject>,
  verifier: NoteVerifier | null,
  check: CheckNote,
): AsyncGenerator<Finding, Checked> {
  const tally = createTally(prefix, null)
  for await (const read of objects) {
    tally.add(read)
    yield* read.findings
    const found = read.bytes && verifier && check(read.object.key, read.bytes, verifier)
    if (found) yield found
  }
  return tally.counts()
}
