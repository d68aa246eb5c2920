export type AtMost = <T>(act: () => Promise<T>) => Promise<T>

/** So many at once; the others wait for their turn, in the order of the calls. */
export const createAtMost = (max: number): AtMost => {
  const waiting: (() => void)[] = []
  let running = 0
  return async (act) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await act()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
