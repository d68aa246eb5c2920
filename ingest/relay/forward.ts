import type { Bus, BusRecord, ConsumeControl, RecordRun, Subscription } from '#services/bus/bus.ts'
import { createDeadLetters } from '#services/dead-letters.ts'
import type { Logger } from '#services/log.ts'
import type { Carrier } from '#services/uplink/carrier.ts'
import { createDeliver } from '#services/uplink/deliver.ts'
import type { Sendable } from '#services/uplink/verdict.ts'

const forwardGroup = 'relay'
export const keptGroup = 'relay-kept'
const maxItems = 5_000

export type ForwardOptions = {
  bus: Pick<Bus, 'produce' | 'subscribe' | 'lag' | 'read'>
  carrier: Carrier
  maxUploadBytes: number
  clock: { now(): number }
  log: Logger
}
export type Waiting = { records: number; oldestMs: number; deadLetters: number }
export type Forwarder = {
  /** What the receiver does not have yet, the age of the oldest of it, and what it refused for good. */
  waiting(): Promise<Waiting>
  close(): Promise<void>
}

const sendableOf = ({ topic, key, offset, headers, value }: BusRecord): Sendable =>
  topic === 'session-frames'
    ? { type: 'batch', sessionId: key, seq: Number(headers.batchSeq), body: value }
    : { type: 'event', sessionId: null, seq: offset, body: value }

const aborted = ({ signal }: ConsumeControl): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/**
 * Sends what the relay's log holds to the receiver, each partition in its order, and commits what arrived: what is not
 * committed is never removed. What the receiver refuses for good goes to the relay's dead letters, with the reason.
 */
export const startForwarding = async (options: ForwardOptions): Promise<Forwarder> => {
  const { bus, carrier, maxUploadBytes, clock, log } = options
  const deadLetters = createDeadLetters({ bus, where: forwardGroup, log })

  const send = async ({ topic, records }: RecordRun, { signal }: ConsumeControl): Promise<boolean> => {
    const origin = new Map(records.map((record) => [sendableOf(record), record]))
    const all = [...origin.keys()]
    const deliver = createDeliver({
      carrier,
      log,
      onRejected: async (rejected) => {
        for (const { record, reason } of rejected)
          await deadLetters.write(origin.get(record)!, { code: 'BTZ_RELAY_REFUSED', reason })
      },
    })
    for (let from = 0; from < all.length; from += maxItems) {
      const some = all.slice(from, from + maxItems)
      if (!(await deliver(topic === 'session-frames' ? 'batch' : 'event', some, signal))) return false
    }
    return true
  }
  const { promise: subscribed, resolve } = Promise.withResolvers<Subscription>()
  const forwarding = await bus.subscribe(
    { group: forwardGroup, topics: ['session-frames', 'session-events'], maxRunBytes: maxUploadBytes },
    {
      onRecords: async (run, control) => {
        if (await send(run, control)) await (await subscribed).commit(run, run.records.at(-1)!.offset + 1)
      },
    },
  )
  resolve(forwarding)
  // Never commits: dead letters are not removed, however old.
  const keeping = await bus.subscribe(
    { group: keptGroup, topics: ['dead-letters'], maxRunBytes: 1 },
    { onRecords: (_run, control) => aborted(control) },
  )

  const oldestMs = async (lags: Awaited<ReturnType<Bus['lag']>>): Promise<number> => {
    const firsts = await Promise.all(lags.map((at) => bus.read(at, at.committed, 1)))
    const times = firsts.flatMap(([first]) => (first ? [first.timestampMs] : []))
    return times.length === 0 ? 0 : Math.max(0, clock.now() - Math.min(...times))
  }
  return {
    waiting: async () => {
      const lags = (await bus.lag()).filter(({ committed, end }) => committed < end)
      const behind = lags.filter(({ group }) => group === forwardGroup)
      const kept = lags.filter(({ group }) => group === keptGroup)
      const count = (some: typeof lags) => some.reduce((sum, { committed, end }) => sum + end - committed, 0)
      return { records: count(behind), oldestMs: await oldestMs(behind), deadLetters: count(kept) }
    },
    close: async () => {
      await Promise.all([forwarding.close(), keeping.close()])
    },
  }
}
