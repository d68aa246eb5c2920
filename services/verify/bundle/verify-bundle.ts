import { hasCode } from '../../errors.ts'
import type { NoteVerifier } from '../../proofs/note.ts'
import { tampered } from '../acts.ts'
import { type Finding, type Level, worst } from '../finding.ts'
import { logFinding } from '../log/stored-log.ts'
import type { ReadObject } from '../read-objects.ts'
import type { ContentKeys } from '../v0/session.ts'
import { type OnProgress, type Report, verifyObjects } from '../verify-evidence.ts'
import { askBundle } from './ask-bundle.ts'
import { files } from './bundle-format.ts'
import { createMembers, isObject, type Member, type Members, readSmall, sumsFault } from './members.ts'
import { type Head, headOf } from './read-head.ts'

/** `verifier`: the log's, as it was got from somewhere else; null: the bundle's own has to do. */
export type BundleToVerify = {
  pieces: AsyncIterable<Uint8Array>
  verifier: NoteVerifier | null
  level: Level
  onProgress?: OnProgress
}
const untrusted: Finding = logFinding(
  'unknown',
  'log-key',
  files.logKey,
  'whoever made the bundle put it there: name the key of the log as you got it from elsewhere',
)

const keysOf = ({ about, agents, sessionKey }: Head): ContentKeys => ({
  keyOf: async (keyId) =>
    sessionKey && keyId === `session:${about.sessionId}`
      ? { key: sessionKey }
      : { what: 'key-missing', detail: 'the bundle was made without the key of the session' },
  agentKeys: async (bastion) => (bastion === agents.bastion ? agents.keys : []),
})

const readObject = ({ name, bytes }: Member): ReadObject => ({
  object: { key: name, sizeBytes: bytes.byteLength, retainUntil: null, storedAt: new Date(0) },
  bytes,
  findings: [],
})

async function* verifyOpen({ verifier, level, onProgress, pieces }: BundleToVerify): AsyncGenerator<Report, void> {
  const members = createMembers(pieces)
  const { small, first, strange } = await readSmall(members)
  let last: Member | null = first
  let sums: Buffer | null = null
  const objects = async function* (): AsyncGenerator<ReadObject, void> {
    for (; last && isObject(last); last = await members.next()) yield readObject(last)
  }
  const head = headOf(small, verifier)
  const wrong = [
    ...strange.map((name) => tampered('foreign-object', name, 'no file of a bundle is named so')),
    ...(Array.isArray(head) ? head : []),
  ]
  for (const finding of wrong) yield { type: 'finding', finding }
  if (verifier === null) yield { type: 'finding', finding: untrusted }
  if (Array.isArray(head)) {
    for await (const _ of objects()); // the sums say more of it
  } else {
    const asked = askBundle(head)
    yield { type: 'log', log: asked.about, verdict: worst(head.checkpoint === null ? ['incomplete'] : []) }
    const means = {
      keys: level === 'content' ? keysOf(head) : null,
      asked,
      verifier: verifier ?? head.verifier,
      onProgress,
    }
    yield* verifyObjects(objects(), files.about, means)
  }
  const folder = members.folder()
  if (last?.name === files.sums) sums = last.bytes
  const after = last && (sums === null ? last : await members.next())
  if (after)
    yield { type: 'finding', finding: tampered('foreign-object', after.name, 'nothing of a bundle comes here') }
  const fault = sumsFault(sums, members)
  if (fault) yield { type: 'finding', finding: fault }
  if (!Array.isArray(head)) yield* countFaults(head, folder, members)
}

function* countFaults({ about }: Head, folder: string | null, members: Members): Generator<Report> {
  const objects = members.sums().filter((line) => line.slice(66).startsWith('evidence/')).length
  const fault =
    objects !== about.objects
      ? `it says ${about.objects} objects, and there are ${objects}`
      : folder !== about.sessionId && 'the folder is named after another session'
  if (fault) yield { type: 'finding', finding: tampered('bundle', files.about, fault) }
}

/**
 * A bundle, as its bytes come: nothing of it is trusted but what the key of the log vouches for. At level content with the
 * key that is in it. Findings name its files; objects by their keys.
 */
export async function* verifyBundle(bundle: BundleToVerify): AsyncGenerator<Report, void> {
  try {
    yield* verifyOpen(bundle)
  } catch (error) {
    if (!hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) throw error
    yield { type: 'finding', finding: tampered('bundle', 'the archive', (error as Error).message) }
  }
}
