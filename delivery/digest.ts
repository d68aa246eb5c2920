import type { Severity } from '#services/schema/alert.ts'
import type { Notify } from '#services/schema/sink-settings.ts'
import type { DigestNotice, StormNotice } from '#services/sinks/notice.ts'
import { type Desk, emptyDigest } from './desk.ts'

const formatters = new Map<string, Intl.DateTimeFormat>()
const formatterOf = (zone: string): Intl.DateTimeFormat => {
  const known = formatters.get(zone)
  if (known) return known
  const options = { dateStyle: 'short', timeStyle: 'short', hourCycle: 'h23', timeZone: zone } as const
  const made = new Intl.DateTimeFormat('sv-SE', options) // ISO 8601
  formatters.set(zone, made)
  return made
}

/** As 2026-01-31 and 08:00. */
export const localTime = (ms: number, zone: string): { date: string; time: string } => {
  const [date = '', time = ''] = formatterOf(zone).format(ms).split(' ')
  return { date, time }
}

/** Once per local day, from the given time on: also late, when nothing ran at that time. */
export const isDigestDue = ({ digest }: Desk, { digestTime, digestZone }: Notify, nowMs: number): boolean => {
  const { date, time } = localTime(nowMs, digestZone)
  return date > digest.lastDate && time >= digestTime
}

/** So that the first digest comes at the next such time, and not for a day that nobody looked at. */
export const lastDigestDate = ({ digestTime, digestZone }: Notify, nowMs: number): string => {
  const { date, time } = localTime(nowMs, digestZone)
  return time >= digestTime ? date : localTime(nowMs - 86_400_000, digestZone).date
}

export type SinkHealth = { name: string; state: string; lagSeconds: number }

export const takeDigest = (
  desk: Desk,
  { digestZone }: Notify,
  nowMs: number,
  sinks: SinkHealth[],
): { notice: DigestNotice; desk: Desk } => {
  const { digest } = desk
  const { date } = localTime(nowMs, digestZone)
  const rules = Object.entries(digest.rules).map(([name, count]) => {
    const [rule = '', severity = 'low'] = name.split(' ')
    return { rule, severity: severity as Severity, count }
  })
  const findings = Object.entries(digest.findings).map(([rule, counts]) => ({ rule, ...counts }))
  const { sinceMs, suppressed, capped, past } = digest
  const notice: DigestNotice = {
    kind: 'digest',
    id: `digest-${date}`,
    ...{ sinceMs, untilMs: nowMs, rules, findings, suppressed, capped, past, sinks },
  }
  return { notice, desk: { ...desk, digest: emptyDigest(nowMs, date) } }
}

/** "N more", once the time of the limit is over. */
export const takeStorm = (
  desk: Desk,
  { stormMs }: Notify,
  nowMs: number,
): { notice: StormNotice; desk: Desk } | null => {
  const { sinceMs, held, highest } = desk.storm
  if (held === 0 || Math.abs(nowMs - sinceMs) < stormMs) return null
  return {
    notice: { kind: 'storm', id: `storm-${sinceMs}`, count: held, highest, sinceMs, untilMs: nowMs },
    desk: { ...desk, storm: { sinceMs: nowMs, sent: 0, held: 0, highest: 'info' } },
  }
}
