import type { Logger } from '../log.ts'
import { type Schedule, startSchedule } from '../schedule.ts'
import type { AlertTriage } from './triage.ts'

const everyQuarterMinute = '*/15 * * * * *'

/** Now and then, and at once: the process before this one may have ended between a decision and saying it. */
export const keepSaying = (triage: Pick<AlertTriage, 'sweep'>, log: Logger): Schedule => {
  const sweep = async (): Promise<void> => {
    const alerts = await triage.sweep()
    if (alerts > 0) log.warn({ alerts }, 'said what was decided by a process that ended before it could')
  }
  const first = sweep().catch((err: unknown) => log.warn({ err }, 'decisions about alerts may wait to be said'))
  const schedule = startSchedule(everyQuarterMinute, log, sweep)
  return {
    stop: async () => {
      await first
      await schedule.stop()
    },
  }
}
