import { setTimeout as sleep } from 'node:timers/promises'

const firstDelayMs = 100
const maxDelayMs = 10_000

export const retryDelayMs = (attempt: number): number => Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1))

/** Until it succeeds or the signal aborts; resolves either way, with undefined on abort. `failed` is told each failure. */
export const retryUntilAborted = async <T>(
  act: () => Promise<T>,
  failed: (error: unknown, attempt: number) => void,
  signal: AbortSignal,
): Promise<T | undefined> => {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      return await act()
    } catch (error) {
      // What fails because it is being stopped is not a failure: its records go to the next member.
      if (signal.aborted) return undefined
      failed(error, attempt)
      await sleep(retryDelayMs(attempt), undefined, { signal }).catch(() => {})
    }
  }
  return undefined
}
