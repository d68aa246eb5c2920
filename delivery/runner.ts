import type { Logger } from '#services/log.ts'
import type { Ending } from './flow.ts'
import type { Lease } from './lease.ts'
import type { Pause } from './pause.ts'

const graceMs = 2_000
const againMs = 1_000

export type Runner = { close(): Promise<void> }

/**
 * Serves one destination, again and again: under a lease where other processes might too. On close the batch under way gets
 * a moment.
 */
export const createRunner = (options: {
  serve(ending: Ending): Promise<void>
  hold: ((signal: AbortSignal) => Promise<Lease | null>) | null
  serving(isServing: boolean): void
  pause: Pause
  log: Logger
}): Runner => {
  const { serve, hold, serving, pause, log } = options
  const [soft, hard] = [new AbortController(), new AbortController()]

  const serveHeld = async (): Promise<void> => {
    const lease = hold === null ? null : await hold(soft.signal)
    if (hold !== null && lease === null) return
    const lost = lease === null ? [] : [lease.lost]
    serving(true)
    try {
      await serve({ soft: soft.signal, hard: AbortSignal.any([hard.signal, ...lost]) })
    } finally {
      serving(false)
      await lease?.release()
    }
  }
  const run = async (): Promise<void> => {
    while (!soft.signal.aborted) {
      await serveHeld().catch((err: unknown) => {
        if (!soft.signal.aborted) log.error({ err }, 'the destination is served again in a moment')
      })
      if (!soft.signal.aborted) await pause(againMs, soft.signal)
    }
  }
  const running = run()
  return {
    close: async () => {
      soft.abort()
      const grace = setTimeout(() => hard.abort(), graceMs)
      await running
      clearTimeout(grace)
    },
  }
}
