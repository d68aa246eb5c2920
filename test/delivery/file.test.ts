import { join } from 'node:path'
import test from 'ava'
import { until } from '#test/helpers/until.ts'
import { wholeLines } from '#test/helpers/whole-lines.ts'
import { commandEvent, newPlace, produceAlerts, produceEvents, someAlert, startDelivery } from './place.ts'

const linesOf = async (path: string) =>
  (await wholeLines(path)).map((line) => JSON.parse(line) as { event: { id: string; sequence: number } })

test('a file gets every wanted event and every revision of an alert, numbered without a gap', async (t) => {
  const place = await newPlace(t)
  const path = join(place.folder, 'out', 'siem.ndjson')
  await startDelivery(t, place, [{ name: 'siem', type: 'file', send: { events: 'all', alerts: 'low' }, path }])
  await produceEvents(
    place.bus,
    Array.from({ length: 700 }, (_, n) => commandEvent(n)),
  )
  await produceAlerts(place.bus, [someAlert(1), someAlert(1, { revision: 2 }), someAlert(2, { severity: 'info' })])
  await until(async () => (await linesOf(path)).length === 702, { limitMs: 30_000 })
  const lines = await linesOf(path)
  t.deepEqual(
    lines.map(({ event }) => event.sequence),
    Array.from({ length: 702 }, (_, n) => n + 1),
  )
  t.is(new Set(lines.map(({ event }) => event.id)).size, 702)
})

test('after a restart the sequence goes on where it was, and nothing comes again', async (t) => {
  const place = await newPlace(t)
  const path = join(place.folder, 'siem.ndjson')
  const sinks = [{ name: 'siem', type: 'file', send: { events: ['command'] }, path }]
  const first = await startDelivery(t, place, sinks)
  await produceEvents(place.bus, [commandEvent(1), commandEvent(2)])
  await until(async () => (await linesOf(path)).length === 2, { limitMs: 30_000 })
  await first.close()
  await startDelivery(t, place, sinks)
  await produceEvents(place.bus, [commandEvent(3)])
  await until(async () => (await linesOf(path)).length === 3, { limitMs: 30_000 })
  t.deepEqual(
    (await linesOf(path)).map(({ event }) => event.sequence),
    [1, 2, 3],
  )
})

test('a destination that leaves the configuration holds no record back, and goes on with its sequence when it returns', async (t) => {
  const place = await newPlace(t)
  const path = join(place.folder, 'siem.ndjson')
  const sinks = [{ name: 'siem', type: 'file', send: { events: ['command'] }, path }]
  const first = await startDelivery(t, place, sinks)
  await produceEvents(place.bus, [commandEvent(1)])
  await until(async () => (await linesOf(path)).length === 1, { limitMs: 30_000 })
  await first.close()
  await produceEvents(place.bus, [commandEvent(2)])
  const without = await startDelivery(t, place, [])
  await until(async () => (await place.bus.lag()).every(({ committed, end }) => committed === end), { limitMs: 30_000 })
  await without.close()
  await startDelivery(t, place, sinks)
  await produceEvents(place.bus, [commandEvent(3)])
  await until(async () => (await linesOf(path)).length === 2, { limitMs: 30_000 })
  t.deepEqual(
    (await linesOf(path)).map(({ event }) => event.sequence),
    [1, 2],
  )
})
