import test from 'ava'
import { lagLevel, watchLag } from '#ingest/lag-watch.ts'
import { eventsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog, ingestBackends, manualClock } from '#test/helpers/ingest-backends.ts'

test.after.always(closeSharedCatalog)

const dayMs = 86_400_000
const retentionMs = 14 * dayMs

test('a lag of more than a quarter of the retention alerts, of more than half of it pages', (t) => {
  const levels = [0, 3.5, 3.6, 7, 7.1, 20].map((days) => lagLevel(days * dayMs, retentionMs))
  t.deepEqual(levels, ['none', 'none', 'alert', 'alert', 'page', 'page'])
})

test('a group that falls behind is told of by metric and event, once an hour per level', async (t) => {
  const clock = manualClock()
  const backends = await ingestBackends(t, { clock })
  const { bus, registry } = backends
  const subscription = await bus.subscribe({ group: 'slow', topics: ['alerts'] }, { onRecords: async () => {} })
  t.teardown(subscription.close)
  await bus.produce([{ topic: 'alerts', key: 'a', value: Buffer.from('{}') }])
  const watch = watchLag({ ...backends, retentionMs, bastion: 'here' })
  t.teardown(watch.close)
  const told = async () => (await eventsOf(bus)).filter(({ kind }) => kind === 'recorder_health')

  await watch.look()
  t.deepEqual(await told(), [])
  clock.advance(4 * dayMs)
  await watch.look()
  await watch.look()
  clock.advance(4 * dayMs)
  await watch.look()
  const events = await told()
  t.is(new Set(events.map(({ id }) => id)).size, 2)
  t.like(events[0], { bastion: 'here', lagMs: 4 * dayMs, agent: 'slow' })
  t.regex(String(events.at(-1)?.detail), /page/)
  t.regex(await registry.metrics(), /bartizan_bus_lag_seconds\{group="slow",topic="alerts"\} 691200/)
})
