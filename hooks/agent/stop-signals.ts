import type { Logger } from '#services/log.ts'

const signals = ['SIGTERM', 'SIGINT'] as const

export type StopSignals = {
  /** One has come already. */
  readonly isTold: boolean
  /**
   * The same stop for signals and callers, once; then the process ends. A second signal aborts `hurry`: the sessions that
   * are still open end too.
   */
  stopBy(stop: () => Promise<void>, hurry: AbortController): () => Promise<void>
  ignore(): void
}

/** From the first moment on: an agent that a signal kills while it starts takes the sessions with it that it has let in. */
export const takeStopSignals = (log: Logger, exit: (code: number) => void): StopSignals => {
  let isTold = false
  let act: (() => Promise<void>) | null = null
  const onSignal = (): void => {
    isTold = true
    void act?.()
  }
  for (const signal of signals) process.on(signal, onSignal)
  const ignore = (): void => {
    for (const signal of signals) process.off(signal, onSignal)
  }

  return {
    get isTold() {
      return isTold
    },
    ignore,
    stopBy: (stop, hurry) => {
      let stopping: Promise<void> | null = null
      const stopOnce = (): Promise<void> => (stopping ??= stop().finally(ignore))
      act = async () => {
        if (stopping) return hurry.abort()
        try {
          await stopOnce()
          exit(0)
        } catch (error) {
          log.fatal({ err: error }, 'agent: the drain failed')
          exit(1)
        }
      }
      if (isTold) void act()
      return stopOnce
    },
  }
}
