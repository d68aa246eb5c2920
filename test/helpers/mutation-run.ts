import type { ExecutionContext } from 'ava'
import type { Finding } from '#services/verify/finding.ts'
import type { Scope } from '#services/verify/scope.ts'
import { verifyEvidence } from '#services/verify/verify-evidence.ts'
import type { AlteredStore } from './altered-stores.ts'
import { createAlterations } from './evidence-alterations.ts'
import { logSigner } from './evidence-log.ts'
import { createLogAlterations } from './log-alterations.ts'
import type { LoggedEvidence } from './logged-evidence.ts'

type Objects = ReadonlyMap<string, Uint8Array>
/** `sealed` and `content` without the log, `log`: level sealed with it. */
type Way = 'sealed' | 'content' | 'log'
type Look = { objects: Objects; scope: Scope; way: Way; kept?: Uint8Array[] | undefined }
type Expected = { name: string; isThere: (finding: Finding) => boolean; seen: boolean }

const everything: Scope = { prefix: 'evidence/' }

export const createMutationRun = (t: ExecutionContext<unknown>, evidence: LoggedEvidence, store: AlteredStore) => {
  const { corpus, log, keys } = { corpus: evidence.objects, ...evidence }
  const around = [...evidence.stored, ...log.objects].filter(([key]) => !corpus.has(key))

  const found = async ({ objects, scope, way, kept = [] }: Look): Promise<Finding[]> => {
    const findings: Finding[] = []
    const ask = way === 'log' ? { verifier: log.verifier, kept } : null
    const contentKeys = way === 'content' ? keys : null
    for await (const report of verifyEvidence(await store(objects), scope, contentKeys, undefined, ask))
      if (report.type === 'finding') findings.push(report.finding)
    return findings
  }
  /** What is wrong with what was found; null when all is right. */
  const fault = (findings: Finding[], { name, isThere, seen }: Expected, way: Way): string | null => {
    const shown = () => `${name}, ${way}: ${JSON.stringify(findings.slice(0, 5))}`
    if (!seen) return findings.length === 0 ? null : `seen, against expectation: ${shown()}`
    if (findings.length === 0) return `not seen: ${shown()}`
    return findings.some(isThere) ? null : `not located: ${shown()}`
  }
  const runClass = async (name: string, count: number, once: () => Promise<(string | Way)[]>): Promise<void> => {
    if (!(process.env.TEST_MUTATION_CLASSES ?? name).split(',').includes(name)) return
    const counts = { sealed: 0, content: 0, log: 0 }
    const faults: string[] = []
    for (let at = 0; at < count; at++)
      for (const outcome of await once())
        if (outcome === 'sealed' || outcome === 'content' || outcome === 'log') counts[outcome]++
        else faults.push(outcome)
    t.deepEqual(faults.slice(0, 3), [], `${name}, ${faults.length} faults`)
    const { sealed, content, log: asked } = counts
    t.log(
      `${name.padEnd(20)} ${count} altered; flagged and located: sealed ${sealed}, content ${content}, log ${asked}`,
    )
  }

  return {
    /** No alarm where nothing was altered. */
    intact: async (): Promise<void> => {
      for (const way of ['sealed', 'content'] as const)
        t.deepEqual(await found({ objects: corpus, scope: everything, way }), [], 'false alarm on the intact corpus')
      const objects = new Map([...corpus, ...around])
      t.deepEqual(await found({ objects, scope: everything, way: 'log', kept: log.notes }), [], 'false alarm')
    },
    evidence: async (random: () => number, perClass: number): Promise<void> => {
      const alterations = createAlterations(evidence, logSigner().privateKey, random)
      for (const [name, alter] of Object.entries(alterations))
        await runClass(name, perClass, async () => {
          const { prefix, objects, keys: near, changed, frame, needsKey, ...more } = alter()
          const expected: Record<Way, Expected> = {
            sealed: { ...more, seen: !needsKey, isThere: ({ where }) => near.includes(where.key) },
            content: {
              ...{ ...more, seen: true },
              isThere: ({ where }) => near.includes(where.key) && (frame === undefined || where.frame === frame),
            },
            log: { ...more, seen: true, isThere: ({ where }) => changed.includes(where.key) },
          }
          const looks: Look[] = [
            { objects, scope: { prefix }, way: 'sealed' },
            { objects, scope: { prefix }, way: 'content' },
            { objects: new Map([...objects, ...around]), scope: { prefix }, way: 'log' },
          ]
          const outcomes: string[] = []
          for (const look of looks) {
            const wrong = fault(await found(look), expected[look.way], look.way)
            if (wrong !== null || expected[look.way].seen) outcomes.push(wrong ?? look.way)
          }
          return outcomes
        })
    },
    log: async (random: () => number, perClass: number): Promise<void> => {
      for (const [name, alter] of Object.entries(createLogAlterations(evidence, random)))
        await runClass(`log ${name}`, perClass, async () => {
          const { located, ...altered } = await alter()
          const findings = await found({ ...altered, scope: everything, way: 'log' })
          const isThere = ({ where }: Finding) => located.includes(where.key)
          return [fault(findings, { ...altered, seen: true, isThere }, 'log') ?? 'log']
        })
    },
  }
}
