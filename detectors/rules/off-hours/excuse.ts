import type { Observed, RuleContext } from '../../rule.ts'
import { dayMs } from '../../utc-day.ts'
import type { HoursState } from './state.ts'

/** Work that is done when others sleep. */
const nightTickets: ReadonlySet<string> = new Set([
  'break-glass',
  'data-handover',
  'migration',
  'pentest',
  'privileged-change',
])

/** On duty, or somebody who is there at such hours at times. Nothing of it excuses a place where the user never was. */
export const isExpected = (
  { nights }: HoursState,
  { timeMs }: Observed,
  { isNewPlace, night }: { isNewPlace: boolean; night: number },
  { directory, settings, subject }: RuleContext,
): boolean => {
  const user = subject.key
  const own = settings.offHours
  const around = [timeMs, timeMs - own.dutyMarginMs, timeMs + own.dutyMarginMs]
  if (around.some((atMs) => directory.isOnDuty(user, atMs))) return true
  if (isNewPlace) return false
  if (directory.person(user, timeMs)?.schedule === 'shift') return true
  const before = nights.filter((one) => isAtThatHour(one, night) && one >= night - own.nightsDays)
  return new Set(before.map(Math.floor)).size >= own.nights
}

const aroundHours = 3
/** On an earlier night, a few hours sooner or later. */
const isAtThatHour = (one: number, night: number): boolean => {
  const apart = Math.abs((one % 1) - (night % 1)) * 24
  return Math.floor(one) < Math.floor(night) && apart <= aroundHours
}

/** What is planned for that time and worth a word, no alert; null: nothing. */
export const plannedReason = ({ event, timeMs }: Observed, { directory, subject }: RuleContext): string | null => {
  const user = subject.key
  if (directory.isMaintenance(event.bastion, timeMs)) return `maintenance of ${event.bastion}`
  const [ticket] = directory
    .tickets({ user, target: event.target ?? null, sourceIp: event.sourceIp ?? null }, timeMs)
    .filter(({ type }) => nightTickets.has(type))
  if (ticket) return `ticket ${ticket.id} (${ticket.type}) is in force`
  const journey = [timeMs, timeMs - dayMs, timeMs + dayMs].map((ms) => directory.travelOf(user, ms)).find(Boolean)
  return journey ? `a journey to ${journey.city ?? (journey.country || 'somewhere')} is planned` : null
}
