import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves after that time, or when the signal aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

export const pause: Pause = (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {})
