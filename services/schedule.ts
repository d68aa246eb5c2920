import cron from 'node-cron'
import type { Logger } from './log.ts'

export type Schedule = { stop(): Promise<void> }

/**
 * Acts by a cron expression (six fields: with seconds), in UTC unless a zone is named; never twice at once. A failure is
 * logged, and the next time comes as if there had been none.
 */
export const startSchedule = (
  expression: string,
  log: Logger,
  act: () => Promise<void>,
  timezone = 'UTC',
): Schedule => {
  let running: Promise<void> = Promise.resolve()
  const logger = {
    info: (message: string) => log.debug(message),
    warn: (message: string) => log.debug(message),
    debug: (message: string | Error) => log.debug(String(message)),
    error: (message: string | Error) => log.error({ err: message }, 'a schedule failed'),
  }
  const once = (): Promise<void> => {
    running = act().catch((err: unknown) => log.warn({ err, expression }, 'not done on time, done again at the next'))
    return running
  }
  const task = cron.schedule(expression, once, { timezone, noOverlap: true, unref: true, logger })
  return {
    stop: async () => {
      await task.destroy()
      await running
    },
  }
}
