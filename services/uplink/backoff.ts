const firstMs = 100
const longestMs = 10_000

export type Backoff = {
  /** Waits before the next attempt: longer each time, never less than the receiver asked for. Ends at `signal`. */
  pause(atLeastMs: number | null, signal: AbortSignal): Promise<void>
  reset(): void
}

export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })

/** Jitter: agents that lost the same receiver do not all come back in the same moment. */
export const createBackoff = (random: () => number = Math.random): Backoff => {
  let nextMs = firstMs
  return {
    pause: async (atLeastMs, signal) => {
      const ms = Math.max(nextMs * (0.5 + random() / 2), (atLeastMs ?? 0) * (1 + random() / 4))
      nextMs = Math.min(nextMs * 2, longestMs)
      await sleep(ms, signal)
    },
    reset: () => {
      nextMs = firstMs
    },
  }
}
