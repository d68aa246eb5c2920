import { BartizanError } from '../errors.ts'

const maxWaiting = 4_096

export type WriteOutcome = { result: unknown } | { code: BartizanError['code']; message: string }
type Waiting<Write> = { write: Write; resolve(result: unknown): void; reject(error: unknown): void }

/** Writes made while others are under way go together in the next transaction. */
export const createWriteQueue = <Write>(
  apply: (writes: Write[]) => Promise<WriteOutcome[]>,
  { maxTogether }: { maxTogether: number },
) => {
  const waiting: Waiting<Write>[] = []
  let running: Promise<void> | null = null

  const settle = ({ resolve, reject }: Waiting<Write>, outcome: WriteOutcome): void => {
    if ('result' in outcome) resolve(outcome.result)
    else reject(new BartizanError(outcome.code, outcome.message))
  }
  const runOnce = async (): Promise<void> => {
    const group = waiting.splice(0, maxTogether)
    try {
      const outcomes = await apply(group.map(({ write }) => write))
      for (const [index, item] of group.entries()) settle(item, outcomes[index]!)
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }
  const run = async (): Promise<void> => {
    await null // what the same tick asks comes along
    while (waiting.length > 0) await runOnce()
    running = null
  }

  return {
    /** @throws BTZ_UNAVAILABLE when too many wait */
    add: (write: Write): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (waiting.length >= maxWaiting) {
          reject(new BartizanError('BTZ_UNAVAILABLE', `the catalog is busy: ${maxWaiting} writes wait already`))
          return
        }
        waiting.push({ write, resolve, reject })
        running ??= run()
      }),
    /** Resolves when nothing waits any more. */
    drained: async (): Promise<void> => {
      await running
    },
  }
}
