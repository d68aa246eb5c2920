import type { NoteVerifier } from '../proofs/note.ts'
import { actGroupOf, checkAct, verifyNotes } from './acts.ts'
import { type Checked, type Finding, type Verdict, worst } from './finding.ts'
import { type Asked, type AskedLog, askLog, type LogToAsk } from './log/ask-log.ts'
import { type EvidenceSource, type ReadObject, readObjects } from './read-objects.ts'
import { objectsOf, type Scope } from './scope.ts'
import { checkStatement, statementGroupOf } from './statements.ts'
import type { ContentKeys } from './v0/session.ts'
import { groupOf as evidenceGroupOf, verifyGroup } from './v0/verify-group.ts'

/** `log`: once, before anything else, when the log was asked. */
export type Report =
  | { type: 'finding'; finding: Finding }
  | { type: 'log'; log: AskedLog; verdict: Verdict | 'ok' }
  | { type: 'checked'; checked: Checked; verdict: Verdict | 'ok' }
/** After each object that was looked at; before the first of them, after each 256 leaves of the log. */
export type OnProgress = (progress: { objects: number; bytes: number; leaves?: number }) => void

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

const groupOf = (key: string): string | null => evidenceGroupOf(key) ?? actGroupOf(key) ?? statementGroupOf(key)

/** What one group has wrong, but for what an act says should be gone. */
async function* judge(run: AsyncGenerator<Finding, Checked>, asked: Asked | null): AsyncGenerator<Report> {
  const verdicts = new Set<Verdict>()
  let step = await run.next()
  for (; !step.done; step = await run.next()) {
    if (asked?.excuses(step.value)) continue
    verdicts.add(step.value.verdict)
    yield { type: 'finding', finding: step.value }
  }
  yield { type: 'checked', checked: step.value, verdict: worst(verdicts) }
}

async function* hear(
  source: EvidenceSource,
  scope: Scope,
  log: LogToAsk,
  onProgress: OnProgress,
): AsyncGenerator<Report, Asked> {
  const verdicts = new Set<Verdict>()
  const asking = askLog(source, scope, log, (leaves) => onProgress({ objects: 0, bytes: 0, leaves }))
  let step = await asking.next()
  for (; !step.done; step = await asking.next()) {
    verdicts.add(step.value.verdict)
    yield { type: 'finding', finding: step.value }
  }
  yield { type: 'log', log: step.value.about, verdict: worst(verdicts) }
  return step.value
}

/** What objects are checked with. `keys`: null for level sealed. `asked`: null: the log was not. */
export type Means = {
  keys: ContentKeys | null
  asked: Asked | null
  verifier: NoteVerifier | null
  onProgress?: OnProgress | undefined
}

/** Objects in key order, as they come. `nothing`: where there is none. */
export async function* verifyObjects(
  reads: AsyncGenerator<ReadObject, void>,
  nothing: string,
  { keys, asked, verifier, onProgress = () => {} }: Means,
): AsyncGenerator<Report, void> {
  const groups = createGroups(reads)
  let [objects, bytes] = [0, 0]
  await groups.start()
  if (groups.head() === null && !asked?.excuses(absent(nothing))) yield { type: 'finding', finding: absent(nothing) }
  const counted = async function* (prefix: string): AsyncGenerator<ReadObject> {
    for await (const read of groups.of(prefix)) {
      yield asked ? asked.look(read) : read
      objects++
      bytes += read.bytes?.byteLength ?? 0
      onProgress({ objects, bytes })
    }
  }
  for (let head = groups.head(); head !== null; head = groups.head()) {
    const { key } = head.object
    const prefix = groupOf(key)
    if (prefix === null) {
      yield { type: 'finding', finding: foreign(key) }
      await groups.skip()
    } else if (evidenceGroupOf(key) !== null) yield* judge(verifyGroup(prefix, counted(prefix), keys), asked)
    else {
      const check = actGroupOf(key) === null ? checkStatement : checkAct
      yield* judge(verifyNotes(prefix, counted(prefix), verifier, check), asked)
    }
  }
  if (asked) for await (const finding of asked.rest()) yield { type: 'finding', finding }
}

/**
 * All evidence of the scope, streaming, in key order: findings as they come, then what was looked at, per session.
 * `keys`: null for level sealed. `log`: null: the transparency log is not asked, so what is gone as a whole is not seen.
 * What a store that is away throws is thrown.
 */
export async function* verifyEvidence(
  source: EvidenceSource,
  scope: Scope,
  keys: ContentKeys | null,
  onProgress: OnProgress = () => {},
  log: LogToAsk | null = null,
): AsyncGenerator<Report, void> {
  const asked = log && (yield* hear(source, scope, log, onProgress))
  const nothing = 'prefix' in scope ? scope.prefix : scope.sessionId
  const means = { keys, asked, verifier: log?.verifier ?? null, onProgress }
  yield* verifyObjects(readObjects(source, objectsOf(source, scope)), nothing, means)
}
