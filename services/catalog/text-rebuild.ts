import type { Logger } from '../log.ts'

export type RebuildStep = { table: string; rows: number }

const reportEveryMs = 10_000
const pauseAfterErrorMs = 5_000

export type TextRebuild = { stop(): Promise<void> }

/**
 * Steps one after the other until there are no more: whoever else writes comes between. One that fails is tried again
 * after a pause.
 */
export const rebuildInBackground = (step: () => Promise<RebuildStep | null>, log: Logger): TextRebuild => {
  const stopping = new AbortController()
  let [rows, reportedMs] = [0, performance.now()]

  const report = (done: RebuildStep): void => {
    rows += done.rows
    if (performance.now() - reportedMs < reportEveryMs) return
    reportedMs = performance.now()
    log.info({ table: done.table, rows }, 'the search index is being made anew: text searches wait')
  }
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseAfterErrorMs)
      stopping.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const done = await step()
        if (done === null) break
        report(done)
      } catch (error) {
        log.error({ err: error, pauseMs: pauseAfterErrorMs }, 'the search index could not be made anew')
        await pause()
      }
    }
    if (rows > 0 && !stopping.signal.aborted) log.info({ rows }, 'the search index has been made anew')
  }

  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
