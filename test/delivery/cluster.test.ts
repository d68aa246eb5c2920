import { join } from 'node:path'
import test from 'ava'
import { Config } from '#services/config.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { ownElastic } from '#test/helpers/open-elastic-catalog.ts'
import { openElasticState } from '#test/helpers/open-elastic-state.ts'
import { ownKafkaPlace } from '#test/helpers/open-kafka-bus.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { wholeLines } from '#test/helpers/whole-lines.ts'
import { commandEvent, produceAlerts, produceEvents, someAlert, startDelivery } from './place.ts'

onServices(test, ({ kafka: { brokers }, elasticsearch: { url } }) => {
  test('on a cluster two processes deliver as one: no gap, nothing twice, and the second goes on where the first ended', async (t) => {
    const { open } = ownKafkaPlace(t, brokers)
    const state = await openElasticState(ownElastic(t, url))
    const buses = [await open(), await open()]
    t.teardown(async () => {
      await Promise.all(buses.map((bus) => bus.close()))
      await state.close()
    })
    const path = join(await temporaryFolder(t), 'siem.ndjson')
    const sinks = [{ name: 'siem', type: 'file', send: { events: 'all', alerts: 'info' }, path }]
    const config = { ...Config.parse({ bastion: 'b1', sinks }), backend: 'cluster' as const }
    const first = await startDelivery(t, { bus: buses[0]!, state }, sinks, { config })
    const lines = () => wholeLines(path)
    await produceEvents(
      buses[0]!,
      Array.from({ length: 200 }, (_, n) => commandEvent(n)),
    )
    await produceAlerts(buses[0]!, [someAlert(1), someAlert(1, { revision: 2 })])
    await until(async () => (await lines()).length === 202, { limitMs: 60_000 })
    await startDelivery(t, { bus: buses[1]!, state }, sinks, { config })
    await first.close()
    await produceEvents(
      buses[1]!,
      Array.from({ length: 100 }, (_, n) => commandEvent(200 + n)),
    )
    await until(async () => (await lines()).length >= 302, { limitMs: 60_000 })
    const got = (await lines()).map((line) => (JSON.parse(line) as { event: { id: string; sequence: number } }).event)
    t.deepEqual(
      got.map(({ sequence }) => sequence),
      Array.from({ length: 302 }, (_, n) => n + 1),
    )
    t.is(new Set(got.map(({ id }) => id)).size, 302)
  })
})
