/** Many read at once; who writes over what they read is alone meanwhile. */
export const createReadGate = () => {
  let reading = 0
  let alone: Promise<void> | null = null
  let idle = (): void => {}

  const leave = (): void => {
    reading--
    if (reading === 0) idle()
  }
  return {
    shared: async <T>(read: () => Promise<T>): Promise<T> => {
      while (alone) await alone
      reading++
      try {
        return await read()
      } finally {
        leave()
      }
    },
    /** One at a time. */
    alone: async <T>(write: () => Promise<T>): Promise<T> => {
      while (alone) await alone
      const { promise, resolve } = Promise.withResolvers<void>()
      alone = promise
      try {
        if (reading > 0)
          await new Promise<void>((done) => {
            idle = done
          })
        return await write()
      } finally {
        idle = () => {}
        alone = null
        resolve()
      }
    },
  }
}
