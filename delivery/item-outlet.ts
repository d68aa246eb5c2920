import { randomUUID } from 'node:crypto'
import type { Bus, BusRecord, Topic } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'
import type { BastionName } from '#services/schema/ids.ts'
import type { Send } from '#services/schema/sink-settings.ts'
import type { Outgoing, Sink } from '#services/sinks/sink.ts'
import type { Entry } from './cursor.ts'
import { nameOf } from './intake.ts'
import type { Outlet, Planned } from './outlet.ts'
import type { PutAside } from './put-aside.ts'
import { decode, isWanted, type ReadItem } from './select.ts'

const readTogether = 32

export type ItemOutletOptions = {
  bus: Pick<Bus, 'read'>
  readItem: ReadItem
  sink: Sink
  send: Send
  bastion: BastionName
  putAside: PutAside
  clock: Clock
  log: Logger
}

type Place = { topic: Topic; partition: number; offset: number }
const placeOf = (entry: string): Place => {
  const [topic, partition, offset] = entry.split('/') as [Topic, string, string]
  return { topic, partition: Number(partition), offset: Number(offset) }
}
const entryOf = (record: BusRecord): string => `${nameOf(record)}/${record.offset}`

/** A destination that programs read: every event and every revision of an alert, as configured. */
export const createItemOutlet = (options: ItemOutletOptions): Outlet<Outgoing> => {
  const { bus, readItem, sink, send, putAside, log } = options

  const find = async ({ topic, partition, offset }: Place): Promise<BusRecord | null> => {
    const [record] = await bus.read({ topic, partition }, offset, 1)
    return record?.offset === offset ? record : null
  }
  /** Of one partition, in chunks: entries stand near each other, with others between them that did not go out. */
  const findAll = async (places: Place[]): Promise<Map<string, BusRecord>> => {
    const found = new Map<string, BusRecord>()
    const wanted = places.toSorted((a, b) => a.offset - b.offset)
    for (let at = 0; at < wanted.length; ) {
      const { topic, partition, offset } = wanted[at]!
      const records = await bus.read({ topic, partition }, offset, readTogether)
      for (const record of records) found.set(entryOf(record), record)
      const read = records.at(-1)?.offset ?? Number.POSITIVE_INFINITY
      while (at < wanted.length && wanted[at]!.offset <= read) at++
    }
    return found
  }
  const restore = async (entries: readonly Entry[]): Promise<Planned<Outgoing>[]> => {
    const names = entries.filter((entry) => typeof entry === 'string')
    const byPartition = Map.groupBy(names.map(placeOf), nameOf)
    const found = new Map<string, BusRecord>()
    for (const places of byPartition.values())
      for (const [entry, record] of await findAll(places)) found.set(entry, record)
    return names.flatMap((entry) => {
      const record = found.get(entry)
      const decoded = record && decode(record)
      if (decoded && 'item' in decoded) return [{ entry, load: decoded.item }]
      log.error({ entry }, 'what was on its way to the destination is no longer on the bus')
      return []
    })
  }

  return {
    choose: async (records, cursor) => {
      const planned: Planned<Outgoing>[] = []
      for (const record of records) {
        const load = await readItem(record)
        if (load !== null && isWanted(load, send)) planned.push({ entry: entryOf(record), load })
      }
      return { planned, desk: cursor.desk, marks: {} }
    },
    due: async () => null,
    restore,
    send: (batch, signal) =>
      sink.send(
        batch.map(({ seq, load }) => ({ seq, item: load })),
        signal,
      ),
    putAside: async ({ entry }, reason) => {
      const record = typeof entry === 'string' ? await find(placeOf(entry)) : null
      if (record !== null) await putAside.record(record, { code: 'BTZ_SINK_REFUSED', reason })
      else log.error({ entry, reason }, 'refused by the destination, and no longer on the bus')
    },
    probe: () => ({
      type: 'event',
      event: {
        id: `test-${randomUUID()}`,
        at: new Date(options.clock.now()).toISOString(),
        kind: 'recorder_health',
        source: 'delivery',
        bastion: options.bastion,
        status: 'ok',
        detail: 'test of this destination',
      },
    }),
    storeMarks: async () => {},
    close: () => sink.close(),
  }
}
