import type { Bus, BusRecord, Following, TopicPartition } from '#services/bus/bus.ts'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import { BartizanError } from '#services/errors.ts'

const topic = 'session-frames'
const readAtOnce = 64
/** Of the partition, between what the screens' index has done and now. */
const maxCatchUpBytes = 256 * 1024 * 1024

/** Takes the records of one session in their order; each call is awaited. Must not throw. */
export type TakeRecord = (record: BusRecord) => Promise<void>
type Listener = { take: TakeRecord; fail(error: unknown): void }
type Tail = { next: number; listeners: Map<string, Listener>; following: Promise<Following | null> }

type ReadingBus = Pick<Bus, 'read' | 'follow' | 'partitions'>

/** What comes of some sessions, by one reading of each partition for all that are watched. */
export const createPartitionTails = (bus: ReadingBus) => {
  const tails = new Map<number, Tail>()
  const closing = new Map<number, Promise<void>>()

  const deliver = (tail: Tail) => async (records: BusRecord[]) => {
    for (const record of records) {
      tail.next = record.offset + 1
      await tail.listeners.get(record.key)?.take(record)
    }
  }
  const start = (partition: number, next: number): Tail => {
    const tail: Tail = { next, listeners: new Map(), following: Promise.resolve(null) }
    const follow = async () => {
      await closing.get(partition)
      return bus.follow({ topic, partition }, next, deliver(tail))
    }
    tail.following = follow().catch((error) => {
      if (tails.get(partition) === tail) tails.delete(partition)
      for (const listener of tail.listeners.values()) listener.fail(error)
      return null
    })
    tails.set(partition, tail)
    return tail
  }
  const stopIfIdle = (partition: number, tail: Tail): void => {
    if (tail.listeners.size > 0 || tails.get(partition) !== tail) return
    tails.delete(partition)
    const stopped = tail.following.then((following) => following?.close())
    const mine = stopped.finally(() => {
      if (closing.get(partition) === mine) closing.delete(partition)
    })
    closing.set(partition, mine)
  }

  /** Gives the session's records from `from` on to `take`, up to `end` or what there is now. @returns the next offset */
  const readOn = async (at: TopicPartition, from: number, end: number, key: string, take: TakeRecord) => {
    let bytes = 0
    for (let next = from; next < end; ) {
      const records = await bus.read(at, next, readAtOnce)
      for (const record of records) {
        bytes += record.value.byteLength
        next = record.offset + 1
        if (record.key === key && record.offset < end) await take(record)
      }
      if (records.length < readAtOnce) return Math.max(next, Number.isFinite(end) ? end : 0)
      if (bytes > maxCatchUpBytes)
        throw new BartizanError('BTZ_UNAVAILABLE', 'the index of screens is too far behind to join this session now', {
          hint: 'try again when ingest has caught up: `bartizan doctor` tells how far it is',
        })
    }
    return Math.max(from, end)
  }

  return {
    /**
     * Everything of a session from `from` on: what is there is taken when it resolves, what comes is taken as it comes. Some
     * may be given twice. `fail`: nothing more comes. @throws BTZ_UNAVAILABLE
     */
    listen: async (sessionId: string, from: number, listener: Listener): Promise<() => void> => {
      const partition = partitionOfKey(sessionId, bus.partitions(topic))
      const at = { topic, partition } as const
      const next = tails.has(partition)
        ? from
        : await readOn(at, from, Number.POSITIVE_INFINITY, sessionId, listener.take)
      const tail = tails.get(partition) ?? start(partition, next)
      const behind = Promise.withResolvers<void>()
      // What comes waits until what was before has been taken.
      const take: TakeRecord = async (record) => {
        await behind.promise
        await listener.take(record)
      }
      const mine = { ...listener, take }
      tail.listeners.set(sessionId, mine)
      const remove = (): void => {
        if (tail.listeners.get(sessionId) === mine) tail.listeners.delete(sessionId)
        stopIfIdle(partition, tail)
      }
      try {
        if (next < tail.next) await readOn(at, next, tail.next, sessionId, listener.take)
        if ((await tail.following) === null)
          throw new BartizanError('BTZ_UNAVAILABLE', 'the bus cannot be followed now', { hint: 'try again' })
        return remove
      } catch (error) {
        remove()
        throw error
      } finally {
        behind.resolve()
      }
    },
    close: async (): Promise<void> => {
      for (const [partition, tail] of tails) {
        tail.listeners.clear()
        stopIfIdle(partition, tail)
      }
      await Promise.all(closing.values())
    },
  }
}
export type PartitionTails = ReturnType<typeof createPartitionTails>
