import type { RecordRun, TopicPartition } from './bus.ts'
import type { LogPartition } from './log-partition.ts'
import type { Member } from './member.ts'
import { whole } from './record-codec.ts'
import { retryUntilAborted } from './retry.ts'

export type HeldPartition = {
  readonly at: TopicPartition
  readonly signal: AbortSignal
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

export type HoldOptions = { at: TopicPartition; log: LogPartition; member: Member; committed(): number }

// In one process a member cannot vanish by itself, so nothing waits for its heartbeat.
const heartbeat = async (): Promise<void> => {}

const consume = async ({ at, log, member, committed }: HoldOptions, signal: AbortSignal): Promise<void> => {
  let next = committed()
  while (!signal.aborted) {
    await log.waitFor(next, signal)
    const unread: RecordRun = { ...at, records: [] }
    const records = await retryUntilAborted(
      () => log.read(next, member.maxRunBytes),
      (error, attempt) => member.failed(error, unread, attempt),
      signal,
    )
    if (!records) return
    next = records.at(-1)!.offset + 1
    const run: RecordRun = { ...at, records: records.flatMap((record) => whole(at, record)) }
    if (run.records.length === 0) continue
    await retryUntilAborted(
      () => member.consumer.onRecords(run, { heartbeat, signal }),
      (error, attempt) => member.failed(error, run, attempt),
      signal,
    )
  }
}

/** Delivers one partition to one member, run by run, from what its group has committed, once `ready` resolves. */
export const holdPartition = (options: HoldOptions, ready: Promise<void>): HeldPartition => {
  const controller = new AbortController()
  const { signal } = controller
  const done = ready.then(() => consume(options, signal))
  return {
    at: options.at,
    signal,
    async stop() {
      controller.abort()
      await done
    },
  }
}
