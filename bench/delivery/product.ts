import { setInterval as every } from 'node:timers/promises'
import { createOperations } from '#delivery/operations.ts'
import { SinkSettings } from '#services/schema/sink-settings.ts'
import { commandEvent, deliveryOf, openPlace, produceEvents } from '#test/delivery/place.ts'

/** Bus, delivery and who fills the bus, apart from the receivers: what this process takes is what delivery takes. */
export type Start = { folder: string; sinks: unknown[]; perSecond: number; seconds: number }
export type Told = {
  produced: number
  isDone: boolean
  rssBytes: number
  heapBytes: number
  sinks: { name: string; state: string; lagRecords: number; lagSeconds: number }[]
}

const everyMs = 100
const tellMs = 5_000

const run = async ({ folder, sinks, perSecond, seconds }: Start): Promise<void> => {
  const place = await openPlace(folder)
  const delivery = await deliveryOf(place, sinks)
  const operations = createOperations({ ...place, sinks: sinks.map((sink) => SinkSettings.parse(sink)) })
  let produced = 0
  const startMs = performance.now()
  const isDone = () => produced >= perSecond * seconds

  const tell = async (): Promise<void> => {
    await delivery.look()
    const views = await operations.list()
    const told: Told = {
      produced,
      isDone: isDone(),
      rssBytes: process.memoryUsage.rss(),
      heapBytes: process.memoryUsage().heapUsed,
      sinks: views.map(({ name, status }) => ({
        name,
        state: status?.state ?? 'none',
        lagRecords: status?.lagRecords ?? 0,
        lagSeconds: status?.lagSeconds ?? 0,
      })),
    }
    process.send?.(told)
  }
  const telling = setInterval(() => void tell(), tellMs)
  for await (const _ of every(everyMs)) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - startMs) / 1_000) * perSecond))
    const at = new Date().toISOString()
    const events = Array.from({ length: due - produced }, (_none, n) => commandEvent(produced + n, { at }))
    if (events.length > 0) await produceEvents(place.bus, events)
    produced = due
    if (isDone()) break
  }
  await new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))
  clearInterval(telling)
  await delivery.close()
  await place.close()
  process.disconnect()
}
process.once('message', (start: Start) => void run(start))
