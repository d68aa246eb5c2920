import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Finding, RuleContext } from '../../rule.ts'
import { plural, span } from '../wording.ts'

/** The login by which somebody got in: what of it is kept. */
export type Entry = {
  id: string
  timeMs: number
  user: string
  sourceIp: string | null
  bastion: string
  sessionId: string | null
  method: string | null
  isSecondFactor?: boolean
}
/** What came before it. `why`: which failures, in words. */
export type Success = {
  count: number
  firstMs: number
  why: string
  expected: string
  calm: Calm | null // a finding, no alert
}
type Calm = 'program' | 'forgotten'

const calms: Record<Calm, string> = {
  program: 'The failures came at equal intervals from where the user usually is: a program that got its new password.',
  forgotten: 'It was from where the user usually is, and with a second factor: a password that was forgotten.',
}

export const entryOf = (event: Extract<SessionEvent, { kind: 'login' }>, user: string, timeMs: number): Entry => ({
  id: event.id,
  timeMs,
  user,
  sourceIp: event.sourceIp ?? null,
  bastion: event.bastion,
  sessionId: event.sessionId ?? null,
  method: event.method ?? null,
  isSecondFactor: event.mfa === true,
})

export const successFinding = (entry: Entry, success: Success, { facts }: RuleContext): Finding => {
  const { user, sourceIp, sessionId } = entry
  const { count, firstMs, why, expected, calm } = success
  const from = sourceIp ?? 'an unknown address'
  const method = entry.method ? ` by ${entry.method}` : ''
  const observed = `${plural(count, 'failed login')} ${why} within ${span(entry.timeMs - firstMs)}, then ${user} got in${method}`
  return {
    window: entry.id, // whatever comes late, it stays this login
    severity: calm ? 'info' : 'high',
    title: `${user} got in from ${from} after ${plural(count, 'failure')}`,
    explanation: `${observed} from ${from}. Expected: ${expected}. ${calm ? calms[calm] : 'Whoever guessed may have the password now.'}`,
    baseline: { observed, expected, historySize: facts.loginCount, historyDays: facts.loginDays },
    user,
    sourceIp,
    bastion: entry.bastion,
    sessionIds: sessionId ? [sessionId] : [],
    atMs: sessionId ? 0 : null,
    count,
    firstEventMs: firstMs,
    lastEventMs: entry.timeMs,
  }
}
