export type Gathering<Item, Result> = {
  add(item: Item): Promise<Result>
  /** Resolves when nothing is being written or waits. */
  idle(): Promise<void>
}

type Waiting<Item, Result> = { item: Item; settle: PromiseWithResolvers<Result> }

/**
 * Group commit without a timer: what is added while one group is being written forms the next, so that one sync
 * serves all of it. `take` says how many of the waiting items the next group has (at least one).
 */
export const createGathering = <Item, Result>(
  write: (group: Item[]) => Promise<Result[]>,
  take: (waiting: Item[]) => number = (waiting) => waiting.length,
): Gathering<Item, Result> => {
  let waiting: Waiting<Item, Result>[] = []
  let running: Promise<void> | null = null

  const writeNext = async (): Promise<void> => {
    const count = take(waiting.map(({ item }) => item))
    const group = waiting.slice(0, count)
    waiting = waiting.slice(count)
    try {
      const results = await write(group.map(({ item }) => item))
      for (const [at, { settle }] of group.entries()) settle.resolve(results[at] as Result)
    } catch (error) {
      for (const { settle } of group) settle.reject(error)
    }
  }
  const run = async (): Promise<void> => {
    while (waiting.length > 0) await writeNext()
    running = null
  }
  return {
    add(item) {
      const settle = Promise.withResolvers<Result>()
      waiting.push({ item, settle })
      // Started one turn later, so that calls made in the same turn share the first group.
      running ??= Promise.resolve().then(run)
      return settle.promise
    },
    async idle() {
      while (running) await running
    },
  }
}
