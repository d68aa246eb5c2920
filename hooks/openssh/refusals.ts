import type { Recorder } from '#hooks/hook.ts'
import type { Logger } from '#services/log.ts'

const everyMs = 60_000
const maxReasons = 32

/** What could not be taken, told at once and then once a minute as long as there is more: never a line itself. */
export const createRefusals = (recorder: Pick<Recorder, 'event'>, log: Logger, source: string, title: string) => {
  const counts = new Map<string, number>()
  let toldMs = Number.NEGATIVE_INFINITY
  return {
    add: (reason: string): void => {
      const key = counts.has(reason) || counts.size < maxReasons ? reason : 'others'
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
    tell: (nowMs: number): void => {
      if (counts.size === 0 || nowMs - toldMs < everyMs) return
      toldMs = nowMs
      const detail = `${title}: ${[...counts].map(([reason, count]) => `${count} not taken: ${reason}`).join('; ')}`
      counts.clear()
      log.warn(detail)
      recorder
        .event({ kind: 'recorder_health', at: new Date().toISOString(), source, status: 'ok', detail })
        .catch((err: unknown) => log.error({ err }, `${title}: not reported`))
    },
  }
}
export type Refusals = ReturnType<typeof createRefusals>
