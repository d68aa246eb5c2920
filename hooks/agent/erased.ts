import type { Logger } from '#services/log.ts'
import type { HeartbeatAnswer } from '#services/schema/uplink.ts'
import type { Spool } from './spool/spool.ts'

const lookEveryMs = 30_000

/** What the receiver says was erased leaves the spool, too, as soon as the receiver has it. */
export const createErased = (spool: Pick<Spool, 'forget'>, log: Logger, nowMs: () => number = Date.now) => {
  const done = new Set<string>()
  const waiting = new Set<string>()
  let lookedMs = Number.NEGATIVE_INFINITY
  let running: Promise<void> | null = null

  const look = async (): Promise<void> => {
    lookedMs = nowMs()
    const asked = new Set(waiting)
    const held = await spool.forget(asked)
    for (const id of asked) {
      if (held.has(id)) continue
      waiting.delete(id)
      done.add(id)
    }
  }
  return {
    /** Resolves when the spool was looked through, if it was. */
    learn: ({ erased = [] }: Pick<HeartbeatAnswer, 'erased'>): Promise<void> => {
      const before = waiting.size
      for (const id of erased) if (!done.has(id)) waiting.add(id)
      const isDue = waiting.size > before || (waiting.size > 0 && Math.abs(nowMs() - lookedMs) >= lookEveryMs)
      if (isDue)
        running ??= look()
          .catch((err: unknown) => log.error({ err }, 'the spool could not be looked through for erased sessions'))
          .finally(() => {
            running = null
          })
      return running ?? Promise.resolve()
    },
  }
}
