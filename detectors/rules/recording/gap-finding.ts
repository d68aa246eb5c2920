import type { Severity } from '#services/schema/alert.ts'
import type { Finding, RuleContext } from '../../rule.ts'
import { span } from '../wording.ts'
import type { Expected } from './connection.ts'

/** What is said of a login that was not recorded. */
export type Gap = 'missing' | 'tunnel_only' | 'recorder_killed'

const localText = ({ by, tty }: NonNullable<Expected['local']>): string =>
  `began a session on the bastion itself (${by}${tty ? ` on ${tty}` : ''}) that was not recorded`

const texts: Record<Gap, string> = {
  missing: 'logged in and was not recorded',
  tunnel_only: 'logged in, started nothing and forwarded through the bastion',
  recorder_killed: 'went on after the recording of the session had ended',
}

/** The account for the day on which nobody can be recorded, as the directory names it. */
export const isBreakGlass = ({ directory, subject }: RuleContext, timeMs: number): boolean =>
  directory.person(subject.key, timeMs)?.accountType === 'breakGlass'

/** Why no recording was to be expected. `exempt`: not even worth a finding. */
export const excuseOf = (
  one: Expected,
  gap: Gap,
  { directory, settings, subject }: RuleContext,
): string | 'exempt' | null => {
  const { policy } = directory
  const { bastion, sourceIp, timeMs } = one
  if (!policy.recordingRequired || policy.recordingExempt.has(subject.key)) return 'exempt'
  if (gap === 'tunnel_only' && settings.recordingGap.allowTunnels) return 'exempt'
  if (directory.isMaintenance(bastion, timeMs)) return `maintenance of ${bastion}`
  const checks = gap === 'tunnel_only' ? ['recording-enforced', 'forwarding-allowed'] : ['recording-enforced']
  if (checks.some((check) => directory.isException({ bastion, user: subject.key, check }, timeMs)))
    return 'an exception in force'
  const ticket = directory.tickets({ user: subject.key, sourceIp }, timeMs).find(({ type }) => type === 'break-glass')
  return ticket ? `ticket ${ticket.id} (${ticket.type}) covers it` : null
}

export const gapFinding = (
  one: Expected,
  gap: Gap,
  severity: Severity,
  { excuse, isOver, untilMs }: { excuse: string | null; isOver: boolean; untilMs: number },
  context: RuleContext,
): Finding => {
  const { settings, subject, facts } = context
  const who = isBreakGlass(context, one.timeMs) ? `${subject.key}, the break-glass account,` : subject.key
  const from = one.sourceIp ? ` from ${one.sourceIp}` : ''
  const what = one.local ? localText(one.local) : texts[gap]
  const observed = `${who} ${what} (${one.bastion}${from})`
  const expected = `a recording within ${span(settings.recordingGap.graceMs)} of ${one.local ? 'its beginning' : 'the login'}`
  const late = isOver ? ' The recording came late.' : ''
  return {
    window: one.id,
    severity,
    title: `${who} ${what}`,
    explanation: `${observed}. Expected: ${expected}.${late}${excuse ? ` No alert: ${excuse}.` : ''}`,
    baseline: { observed, expected, historySize: facts.loginCount, historyDays: facts.loginDays },
    sourceIp: one.sourceIp,
    bastion: one.bastion,
    sessionIds: one.sessionId ? [one.sessionId] : [],
    atMs: one.sessionId ? 0 : null,
    gap,
    count: 1,
    firstEventMs: one.timeMs,
    lastEventMs: untilMs,
    isOver,
  }
}
