import { acts } from '../../argv/acts.ts'
import type { Finding, Observed, RuleContext } from '../../rule.ts'
import { listed, plural } from '../wording.ts'
import { type Case, gravest } from './state.ts'

/** What is said of a session in which something was unusual. */
export const privilegeFinding = (
  one: Case,
  { event, timeMs }: Observed,
  excuse: string | null,
  { subject, facts }: RuleContext,
): Finding => {
  const { deeds, count } = one
  const what = deeds.map(({ kind, line }) => `${acts[kind].text}: ${line}`)
  const always = deeds.filter(({ kind }) => acts[kind].always)
  const observed = listed(what, 3)
  const days = facts.firstAtMs === 0 ? 0 : Math.max(0, Math.round((timeMs - facts.firstAtMs) / 86_400_000))
  const expected =
    always.length > 0
      ? 'never, but with a ticket, in a maintenance or by configuration management'
      : `what ${subject.key} does: ${plural(days, 'day')} of history hold it hardly or not at all`
  return {
    window: one.window,
    severity: excuse ? 'info' : gravest(deeds.map(({ severity }) => severity)),
    title: `${subject.key}: ${acts[deeds[0]!.kind].text}`,
    explanation: `${plural(count, 'command')} of ${subject.key}: ${listed(what, 6)}. Expected: ${expected}.${excuse ? ` No alert: ${excuse}.` : ''}`,
    baseline: {
      observed: observed.slice(0, 512),
      expected: expected.slice(0, 512),
      historySize: facts.loginCount,
      historyDays: days,
    },
    sourceIp: event.sourceIp ?? null,
    bastion: event.bastion,
    sessionIds: one.sessionId ? [one.sessionId] : [],
    atMs: one.atMs,
    count,
    firstEventMs: one.firstMs,
    lastEventMs: one.lastMs,
  }
}
