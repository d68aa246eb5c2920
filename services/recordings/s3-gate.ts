import { BartizanError } from '../errors.ts'

/** Runs `act` once fewer than the limit are under way. @throws BTZ_UNAVAILABLE when too many wait */
export type Gate = <T>(act: () => Promise<T>) => Promise<T>

/** In the order of arrival. */
export const createGate = (maxAtOnce: number, maxWaiting: number): Gate => {
  const waiting: (() => void)[] = []
  let underWay = 0
  const leave = (): void => {
    const next = waiting.shift()
    if (next) next()
    else underWay--
  }
  return async (act) => {
    if (underWay < maxAtOnce) underWay++
    else {
      if (waiting.length >= maxWaiting) {
        const hint = 'it is slower than what is asked of it: ask again later'
        throw new BartizanError('BTZ_UNAVAILABLE', `${maxWaiting} calls wait for the evidence store already`, { hint })
      }
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await act()
    } finally {
      leave()
    }
  }
}
