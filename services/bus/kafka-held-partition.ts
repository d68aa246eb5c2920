import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BusRecord, ConsumeControl, RecordRun, TopicPartition } from './bus.ts'
import type { Member } from './member.ts'
import { recordBytes } from './record-codec.ts'
import { retryUntilAborted } from './retry.ts'

/** While more than this waits for its member, nothing more is fetched. */
const maxWaitingBytes = 1024 * 1024

export type HeldPartition = {
  readonly at: TopicPartition
  readonly signal: AbortSignal
  readonly nextFetch: number
  readonly isHungry: boolean
  /** The end of the log, as far as is known here. */
  readonly knownEnd: number
  take(records: BusRecord[], nextFetch: number, end: number): void
  moveTo(offset: number): void
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

// The membership has heartbeats of its own. They need their turn, which a run that only computes would not give them.
const heartbeat = async (): Promise<void> => {
  await nextTurn()
}

export type HoldOptions = { at: TopicPartition; start: number; member: Member; hungry(): void }

/** Delivers one partition to one member, run by run, once `ready` resolves. */
export const holdPartition = ({ at, start, member, hungry }: HoldOptions, ready: Promise<void>): HeldPartition => {
  const controller = new AbortController()
  const { signal } = controller
  const control: ConsumeControl = { heartbeat, signal }
  let waiting: BusRecord[] = []
  let waitingBytes = 0
  let nextFetch = start
  let knownEnd = start
  let wake = () => {}
  signal.addEventListener('abort', () => wake(), { once: true })

  const takeRun = (): BusRecord[] => {
    let bytes = 0
    const end = waiting.findIndex((record, count) => {
      bytes += recordBytes(record)
      return count > 0 && bytes > member.maxRunBytes
    })
    const records = end === -1 ? waiting : waiting.slice(0, end)
    waiting = end === -1 ? [] : waiting.slice(end)
    waitingBytes = waiting.reduce((sum, record) => sum + recordBytes(record), 0)
    return records
  }
  const filled = async (): Promise<void> => {
    if (waiting.length > 0 || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    wake = resolve
    await promise
  }
  const isHungry = (): boolean => !signal.aborted && waitingBytes <= maxWaitingBytes
  const consume = async (): Promise<void> => {
    for (await filled(); !signal.aborted; await filled()) {
      const run: RecordRun = { ...at, records: takeRun() }
      if (isHungry()) hungry()
      await retryUntilAborted(
        () => member.consumer.onRecords(run, control),
        (error, attempt) => member.failed(error, run, attempt),
        signal,
      )
    }
  }
  const done = ready.then(consume)

  return {
    at,
    signal,
    get nextFetch() {
      return nextFetch
    },
    get isHungry() {
      return isHungry()
    },
    get knownEnd() {
      return knownEnd
    },
    take(records, next, end) {
      nextFetch = next
      knownEnd = Math.max(knownEnd, end)
      if (records.length === 0 || signal.aborted) return
      waiting = waiting.length === 0 ? records : [...waiting, ...records]
      waitingBytes += records.reduce((sum, record) => sum + recordBytes(record), 0)
      wake()
    },
    moveTo(offset) {
      nextFetch = offset
    },
    async stop() {
      controller.abort()
      await done
    },
  }
}
