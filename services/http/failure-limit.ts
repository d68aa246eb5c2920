import type { Clock } from '../clock.ts'

/** Counts failed sign-ins per address and minute; holds at most `addresses` of them, the oldest go first. */
export const createFailureLimit = (clock: Clock, limit: { perMinute: number; addresses: number }) => {
  const windows = new Map<string, { startedAt: number; failures: number }>()
  const current = (address: string) => {
    const window = windows.get(address)
    return window && clock.now() - window.startedAt < 60_000 ? window : null
  }
  return {
    count: (address: string): void => {
      const window = current(address) ?? { startedAt: clock.now(), failures: 0 }
      window.failures += 1
      windows.delete(address)
      windows.set(address, window)
      if (windows.size > limit.addresses) windows.delete(windows.keys().next().value!)
    },
    /** 0: go on. */
    waitSeconds: (address: string): number => {
      const window = current(address)
      if (!window || window.failures < limit.perMinute) return 0
      return Math.max(1, Math.ceil((window.startedAt + 60_000 - clock.now()) / 1000))
    },
  }
}
