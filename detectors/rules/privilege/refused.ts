import { withSample } from '../../baselines/robust.ts'
import { type Finding, type Observed, quiet, type RuleContext, type Step } from '../../rule.ts'
import { plural, span } from '../wording.ts'
import type { Privileges } from './state.ts'

const maxTimes = 12

/** Refused again and again: somebody looks for what is allowed. */
export const refused = (
  state: Privileges,
  observed: Observed,
  excuse: string | null,
  context: RuleContext,
): Step<Privileges> => {
  const { event, timeMs } = observed
  const { refusals, refusalsMs } = context.settings.privilegeEscalation
  const isSame = state.refusals.count > 0 && timeMs - (state.refusals.timesMs.at(-1) ?? 0) <= refusalsMs
  const before = isSame ? state.refusals : { timesMs: [], firstMs: timeMs, count: 0, isTold: false }
  const timesMs = withSample(before.timesMs, timeMs, maxTimes)
  const first = timesMs.at(-refusals)
  const isTold = before.isTold || (first !== undefined && timeMs - first <= refusalsMs)
  const next = { timesMs, firstMs: Math.min(before.firstMs, timeMs), count: before.count + 1, isTold }
  if (!isTold) return quiet({ ...state, refusals: next })
  const observedText = `${plural(next.count, 'refused attempt')} within ${span(timeMs - next.firstMs)}`
  const expected = `fewer than ${refusals} within ${span(refusalsMs)}`
  const finding: Finding = {
    window: `refused ${Math.floor(next.firstMs / refusalsMs)}`,
    severity: excuse ? 'info' : 'medium',
    title: `${context.subject.key} was refused privileges ${next.count} times`,
    explanation: `${observedText} to become somebody else. Expected: ${expected}.${excuse ? ` No alert: ${excuse}.` : ''}`,
    baseline: { observed: observedText, expected, historySize: 0, historyDays: 0 },
    sourceIp: event.sourceIp ?? null,
    bastion: event.bastion,
    sessionIds: event.sessionId ? [event.sessionId] : [],
    count: next.count,
    firstEventMs: next.firstMs,
    lastEventMs: timeMs,
  }
  return { state: { ...state, refusals: next }, findings: [finding] }
}
