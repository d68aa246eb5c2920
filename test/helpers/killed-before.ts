/** Counts what is made durable, and kills this process -9 before the `killBefore`-th of it. */
export const killedBefore = (killBefore: number) => {
  let made = 0
  return <A extends unknown[], R>(act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (++made === killBefore) {
        process.kill(process.pid, 'SIGKILL')
        await new Promise(() => {}) // the signal is on its way
      }
      return act(...args)
    }
}
