import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'

const maxWaiting = 10_000

/**
 * Catalog rows of evidence that stands already. They are written behind the evidence, so that a catalog that is away
 * never holds up a recording; the offset they belong to is committed only after them.
 */
export type RowQueue = {
  /** @throws BTZ_UNAVAILABLE when too many wait: then the bus has to wait, too */
  add(holdOffset: number, write: () => Promise<void>): void
  /** The lowest offset that must stay uncommitted for a row; Infinity: none waits. */
  lowestHold(): number
  /** Tries again what failed. */
  retry(): void
  /** Resolves when every row is written. @throws why the first one cannot be */
  flush(): Promise<void>
  /** Nothing more is begun: the partition is someone else's, who makes up for what is missing. */
  drop(): void
}

type Row = { holdOffset: number; write: () => Promise<void> }

export const createRowQueue = (log: Logger): RowQueue => {
  const waiting: Row[] = []
  let running: Promise<void> | null = null
  let failure: { cause: unknown } | null = null

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0 && failure === null) {
      const row = waiting[0]!
      try {
        await row.write()
        if (waiting[0] === row) waiting.shift()
      } catch (cause) {
        failure = { cause }
        log.warn({ err: cause, waiting: waiting.length }, 'rows of evidence wait for the catalog')
      }
    }
  }
  const run = (): Promise<void> => {
    running ??= writeAll().finally(() => {
      running = null
    })
    return running
  }
  return {
    add: (holdOffset, write) => {
      if (waiting.length >= maxWaiting) {
        throw new BartizanError('BTZ_UNAVAILABLE', `${waiting.length} rows of evidence wait for the catalog`)
      }
      waiting.push({ holdOffset, write })
      if (failure === null) void run()
    },
    lowestHold: () => waiting.reduce((lowest, { holdOffset }) => Math.min(lowest, holdOffset), Infinity),
    retry: () => {
      failure = null
      void run()
    },
    flush: async () => {
      while (waiting.length > 0) {
        failure = null
        await run()
        if (failure !== null) throw (failure as { cause: unknown }).cause
      }
    },
    drop: () => {
      waiting.length = 0
    },
  }
}
