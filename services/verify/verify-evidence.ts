import type { StoredObject } from '../recordings/recording-store.ts'
import { type Checked, type Finding, type Verdict, worst } from './finding.ts'
import { type EvidenceSource, listObjects, type ReadObject, readObjects } from './read-objects.ts'
import type { ContentKeys } from './v0/session.ts'
import { groupOf, prefixesOf, verifyGroup } from './v0/verify-group.ts'

export type Report =
  | { type: 'finding'; finding: Finding }
  | { type: 'checked'; checked: Checked; verdict: Verdict | 'ok' }
/** After each object that was looked at. */
export type OnProgress = (progress: { objects: number; bytes: number }) => void

/** What to verify: everything below a prefix, or one session wherever it stands. */
export type Scope = { prefix: string } | { sessionId: string }

async function* ofSession(source: EvidenceSource, sessionId: string): AsyncGenerator<StoredObject> {
  let isThere = false
  for (const prefix of prefixesOf(sessionId)) {
    for await (const object of listObjects(source, prefix)) {
      isThere = true
      yield object
    }
  }
  if (isThere) return
  // The clock of its bastion was elsewhere.
  for await (const object of listObjects(source, '')) if (groupOf(object.key)?.endsWith(`/${sessionId}/`)) yield object
}

const foreign = (key: string): Finding => ({
  level: 'sealed',
  verdict: 'tampered',
  what: 'foreign-object',
  where: { key },
  detail: 'no evidence is named so: somebody else put it there',
})

const absent = (key: string): Finding => ({
  level: 'sealed',
  verdict: 'incomplete',
  what: 'nothing',
  where: { key },
  detail: 'there is no evidence here',
})

/** One group after another, out of objects in key order. */
const createGroups = (objects: AsyncGenerator<ReadObject, void>) => {
  let current: IteratorResult<ReadObject, void>
  const next = async () => {
    current = await objects.next()
  }
  return {
    start: next,
    head: (): ReadObject | null => (current.done ? null : current.value),
    skip: next,
    async *of(prefix: string): AsyncGenerator<ReadObject> {
      while (!current.done && groupOf(current.value.object.key) === prefix) {
        yield current.value
        await next()
      }
    },
  }
}

/**
 * All evidence of the scope, streaming, in key order: findings as they come, then what was looked at, per session.
 * `keys`: null for level sealed. What a store that is away throws is thrown.
 */
export async function* verifyEvidence(
  source: EvidenceSource,
  scope: Scope,
  keys: ContentKeys | null,
  onProgress: OnProgress = () => {},
): AsyncGenerator<Report, void> {
  const listed = 'prefix' in scope ? listObjects(source, scope.prefix) : ofSession(source, scope.sessionId)
  const groups = createGroups(readObjects(source, listed))
  let [objects, bytes] = [0, 0]
  await groups.start()
  if (groups.head() === null)
    yield { type: 'finding', finding: absent('prefix' in scope ? scope.prefix : scope.sessionId) }
  for (let head = groups.head(); head !== null; head = groups.head()) {
    const { key } = head.object
    const prefix = groupOf(key)
    if (prefix === null) {
      yield { type: 'finding', finding: foreign(key) }
      await groups.skip()
      continue
    }
    const verdicts = new Set<Verdict>()
    const counted = (async function* () {
      for await (const read of groups.of(prefix)) {
        yield read
        objects++
        bytes += read.bytes?.byteLength ?? 0
        onProgress({ objects, bytes })
      }
    })()
    const run = verifyGroup(prefix, counted, keys)
    let step = await run.next()
    for (; !step.done; step = await run.next()) {
      verdicts.add(step.value.verdict)
      yield { type: 'finding', finding: step.value }
    }
    yield { type: 'checked', checked: step.value, verdict: worst(verdicts) }
  }
}
