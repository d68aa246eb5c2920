/** What runs, so that closing can wait for it. */
export const createRunning = () => {
  const running = new Set<Promise<unknown>>()
  return {
    add<T>(work: Promise<T>): Promise<T> {
      running.add(work)
      const remove = () => running.delete(work)
      work.then(remove, remove)
      return work
    },
    async settled() {
      while (running.size > 0) await Promise.allSettled(running)
    },
  }
}
