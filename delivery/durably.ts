import { hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { Pause } from './pause.ts'
import { retryDelayMs } from './retry-delay.ts'

/** Does it until it succeeds. @throws BTZ_STATE_CONFLICT at once, and whatever it was when the signal has aborted */
export type Durably = <T>(act: () => Promise<T>) => Promise<T>

export const createDurably =
  (pause: Pause, signal: AbortSignal, log: Logger): Durably =>
  async (act) => {
    for (let failures = 1; ; failures++) {
      try {
        return await act()
      } catch (err) {
        if (signal.aborted || hasCode(err, 'BTZ_STATE_CONFLICT')) throw err
        log.error({ err, failures }, 'not stored yet, tried again')
        await pause(retryDelayMs(failures, null, Math.random()), signal)
      }
    }
  }
