import type { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { WorkerCalls } from '../worker-calls.ts'

const firstPauseMs = 50
const longestPauseMs = 5_000

export type LastingWorker<Calls> = {
  /** The worker that runs now; waits while a new one starts. @throws BTZ_UNAVAILABLE after close */
  current(): Promise<Calls>
  close(): Promise<void>
}

/**
 * A worker that is started again whenever it ends, after a growing pause while it does not start. The first start's
 * error is the caller's.
 */
export const keepWorker = async <Calls extends Pick<WorkerCalls<never>, 'close' | 'stopped'>>(
  start: () => Promise<Calls>,
  log: Logger,
): Promise<LastingWorker<Calls>> => {
  let closed = false
  const first = await start()
  let current: Promise<Calls> = Promise.resolve<Calls>(first)

  const restart = async (why: BartizanError): Promise<Calls> => {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      if (closed) throw why
      try {
        return await start()
      } catch (error) {
        log.error({ err: error, pauseMs }, 'a thread of the catalog does not start')
        await new Promise((resolve) => setTimeout(resolve, pauseMs).unref())
      }
    }
  }
  const watch = (worker: Calls): void => {
    void worker.stopped.then((why) => {
      if (closed) return
      log.warn({ reason: why.message }, 'a thread of the catalog ended and is started again')
      current = restart(why)
      current.then(watch, () => undefined)
    })
  }
  watch(first)

  return {
    current: () => current,
    close: async () => {
      closed = true
      await current.then(
        (worker) => worker.close(),
        () => undefined,
      )
    },
  }
}
