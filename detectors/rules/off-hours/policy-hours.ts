import type { Observed, RuleContext } from '../../rule.ts'

const hourMs = 3_600_000

export const isMachine = ({ timeMs }: Observed, { directory, subject }: RuleContext): boolean =>
  directory.person(subject.key, timeMs)?.accountType === 'service'

/** Machines, and people of whom no zone is known, have no calendar. */
const hasCalendar = (observed: Observed, context: RuleContext): boolean =>
  context.directory.hasZone(context.subject.key, observed.timeMs) && !isMachine(observed, context)

/** Whether the calendar expects people now: then nothing is asked of their past. */
export const isInPolicyHours = (observed: Observed, context: RuleContext): boolean =>
  hasCalendar(observed, context) && context.directory.isOfficeHours(context.subject.key, observed.timeMs)

/** Whether it is only a little after office hours, or before. */
export const isNearPolicyHours = (observed: Observed, context: RuleContext): boolean => {
  if (!hasCalendar(observed, context)) return false
  const { directory, settings, subject } = context
  const { earlyHours, lateHours } = settings.offHours
  const isOffice = (hours: number) => directory.isOfficeHours(subject.key, observed.timeMs + hours * hourMs)
  for (let ahead = 1; ahead < earlyHours; ahead++) if (isOffice(ahead)) return true
  for (let ago = 1; ago < lateHours; ago++) if (isOffice(-ago)) return true
  return false
}
