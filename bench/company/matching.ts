import type { Alert } from '#services/schema/alert.ts'
import { aroundAddress } from './address.ts'
import type { Incident } from './model.ts'
import { minuteMs } from './zone.ts'

/** What is known of a span of time: something planted, or something harmless. */
export type Span = Pick<Incident, 'user' | 'sourceIp' | 'bastion' | 'users' | 'sourceIps' | 'sessionIds'> & {
  fromMs: number
  toMs: number
}

const beforeMs = 10 * minuteMs
export const afterMs = 45 * minuteMs

const networkHolds = (key: string, ip: string) => {
  const [base, bits] = key.split('/')
  if (!base || !bits || base.includes(':') || ip.includes(':')) return base === ip
  return aroundAddress(ip, Number(bits)).base === aroundAddress(base, Number(bits)).base
}

const overlaps = (alert: Alert, { fromMs, toMs }: Span) =>
  Date.parse(alert.firstEventAt) <= toMs + afterMs &&
  Math.max(Date.parse(alert.lastEventAt), Date.parse(alert.firstEventAt)) >= fromMs - beforeMs

export const sharesSession = (alert: Alert, { sessionIds }: Span) =>
  sessionIds.some((id) => id === alert.sessionId || alert.sessionIds.includes(id))

const sharesAddress = (alert: Alert, { sourceIps }: Span) =>
  sourceIps.some(
    (ip) => ip === alert.sourceIp || (alert.entity.kind === 'network' && networkHolds(alert.entity.key, ip)),
  )

const isOfBastionOnly = (of: { user: string | null; sourceIp: string | null }) =>
  of.user === null && of.sourceIp === null

/** Same session; or about then the same person or address, or the same bastion where there is nothing else to go by. */
export const concerns = (alert: Alert, span: Span) => {
  if (sharesSession(alert, span)) return true
  if (!overlaps(alert, span)) return false
  if (alert.user !== null && span.users.includes(alert.user)) return true
  if (sharesAddress(alert, span)) return true
  if (span.users.length > 0 || span.sourceIps.length > 0 || span.bastion === null) return false
  return alert.bastion === span.bastion && isOfBastionOnly(alert)
}
