import type { Logger } from '#services/log.ts'
import { liveLimits } from './limits.ts'

/**
 * Asks again and again whether somebody may still see what they watch. `ask` resolves to why not, or null; while it cannot
 * be asked the viewer keeps what it has for a moment only. @returns what ends the asking
 */
export const keepAsking = (
  ask: () => Promise<string | null>,
  end: (why: 'not allowed any more' | 'later', text: string) => void,
  log: Logger,
): (() => void) => {
  let answeredMs = performance.now()
  let isAsking = false
  const look = async (): Promise<void> => {
    if (isAsking) return
    isAsking = true
    try {
      const refusal = await ask()
      answeredMs = performance.now()
      if (refusal !== null) end('not allowed any more', refusal)
    } catch (err) {
      log.warn({ err }, 'live: whether somebody may still watch cannot be asked')
      if (performance.now() - answeredMs > liveLimits.unansweredMs) end('later', 'your rights cannot be checked now')
    }
    isAsking = false
  }
  const timer = setInterval(() => void look(), liveLimits.lookMs).unref()
  return () => clearInterval(timer)
}
