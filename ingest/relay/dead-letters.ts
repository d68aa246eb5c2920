import { z } from 'zod'
import { type Bus, type BusRecord, type NewRecord, type Subscription, topics } from '#services/bus/bus.ts'
import { keptGroup } from './forward.ts'

const pageSize = 500
const lookEveryMs = 50

const Origin = z.object({
  topic: z.enum(topics),
  key: z.string(),
  reason: z.string(),
  recordHeaders: z.string().transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text))),
})
const originOf = ({ headers, value }: BusRecord): NewRecord & { reason: string } => {
  const { topic, key, reason, recordHeaders } = Origin.parse(headers)
  return { topic, key, value, headers: recordHeaders, reason }
}
const held = async (bus: Pick<Bus, 'lag'>) =>
  (await bus.lag()).filter(({ group, committed, end }) => group === keptGroup && committed < end)

/** What the receiver refused for good, with the reason, as `each` takes it; nothing is changed. */
export const readDeadLetters = async (
  bus: Pick<Bus, 'lag' | 'read'>,
  each: (record: NewRecord & { reason: string }) => void,
): Promise<void> => {
  for (const at of await held(bus)) {
    for (let offset = at.committed; offset < at.end; ) {
      const records = await bus.read(at, offset, pageSize)
      for (const record of records) each(originOf(record))
      offset = (records.at(-1)?.offset ?? at.end) + 1
    }
  }
}

/** Puts them behind what waits for the receiver. How many. A crash in between makes some of them come twice. */
export const resendDeadLetters = async (bus: Pick<Bus, 'lag' | 'produce' | 'subscribe'>): Promise<number> => {
  let count = 0
  const { promise: subscribed, resolve } = Promise.withResolvers<Subscription>()
  const subscription = await bus.subscribe(
    { group: keptGroup, topics: ['dead-letters'] },
    {
      onRecords: async (run) => {
        const origins = run.records.map(originOf)
        await bus.produce(origins.map(({ reason: _, ...record }) => record))
        await (await subscribed).commit(run, run.records.at(-1)!.offset + 1)
        count += origins.length
      },
    },
  )
  resolve(subscription)
  while ((await held(bus)).length > 0) await new Promise((done) => setTimeout(done, lookEveryMs))
  await subscription.close()
  return count
}
