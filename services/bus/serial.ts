/** Runs one at a time, in the order of the calls; a failure is its own caller's and stops nobody else. */
export const createSerial = (): (<T>(act: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const mine = last.then(act)
    last = mine.catch(() => {})
    return mine
  }
}
