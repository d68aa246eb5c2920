import { BartizanError } from '../errors.ts'

/** What runs, so that closing can wait for it. */
export const createRunning = () => {
  const running = new Set<Promise<unknown>>()
  let isShut = false

  const add = <T>(work: Promise<T>): Promise<T> => {
    running.add(work)
    const remove = () => running.delete(work)
    work.then(remove, remove)
    return work
  }
  return {
    add,
    /** @throws BTZ_BUS_CLOSED once shut */
    whileOpen: <T>(act: () => Promise<T>): Promise<T> =>
      isShut ? Promise.reject(new BartizanError('BTZ_BUS_CLOSED', 'the bus is closed')) : add(act()),
    /** Nothing starts any more; resolves when nothing runs any more. */
    async shut() {
      isShut = true
      while (running.size > 0) await Promise.allSettled(running)
    },
  }
}
