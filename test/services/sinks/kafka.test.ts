import test from 'ava'
import { createKafkaClient } from '#services/bus/kafka-client.ts'
import { type KafkaSinkSettings, SinkSettings } from '#services/schema/sink-settings.ts'
import { formats } from '#services/sinks/formats/formats.ts'
import { createKafkaSink } from '#services/sinks/kafka-sink.ts'
import { commandEvent, log, someAlert } from '#test/delivery/place.ts'
import { onServices, ownName } from '#test/helpers/cluster.ts'
import { kafkaSettings } from '#test/helpers/open-kafka-bus.ts'
import { until } from '#test/helpers/until.ts'

const { signal } = new AbortController()
const about = () => ({ host: 'b1', version: '1', consoleUrl: 'https://console.example' })
const open = (brokers: string[], prefix: string) => {
  const settings = SinkSettings.parse({
    name: 'lake',
    type: 'kafka',
    brokers,
    send: { events: 'all', alerts: 'low' },
    eventTopic: `${prefix}-events`,
    alertTopic: `${prefix}-alerts`,
    maxRecordBytes: 100_000,
  }) as KafkaSinkSettings
  return createKafkaSink(settings, { kafka: kafkaSettings({}), format: formats.ecs, about, log })
}

onServices(test, ({ kafka: { brokers } }) => {
  test('events and alerts arrive in their topics as CloudEvents, keyed so that what belongs together keeps its order', async (t) => {
    const prefix = ownName()
    const client = createKafkaClient(kafkaSettings({ brokers }), log)
    const admin = client.admin()
    await admin.connect()
    const names = [`${prefix}-events`, `${prefix}-alerts`]
    await admin.createTopics({ topics: names.map((topic) => ({ topic, numPartitions: 2, replicationFactor: 1 })) })
    const sink = open(brokers, prefix)
    const got: { topic: string; key: string; headers: Record<string, string>; body: Record<string, unknown> }[] = []
    const consumer = client.consumer({ groupId: `${prefix}-reader` })
    await consumer.connect()
    await consumer.subscribe({ topics: names, fromBeginning: true })
    t.teardown(async () => {
      await sink.close()
      await consumer.disconnect()
      await admin.deleteTopics({ topics: names })
      await admin.disconnect()
    })
    await consumer.run({
      eachMessage: async ({ topic, message: { key, value, headers = {} } }) => {
        const texts = Object.entries(headers).map(([name, text]) => [name, String(text)])
        got.push({ topic, key: String(key), headers: Object.fromEntries(texts), body: JSON.parse(String(value)) })
      },
    })
    const alert = someAlert(1, { revision: 3 })
    const batch = [
      { seq: 1, item: { type: 'event', event: commandEvent(1, { sessionId: 's-9' }) } as const },
      { seq: 2, item: { type: 'alert', alert } as const },
      { seq: 3, item: { type: 'event', event: commandEvent(3, { line: 'z'.repeat(200_000) }) } as const },
      { seq: 3, item: { type: 'event', event: commandEvent(4) } as const },
    ]
    t.deepEqual(await sink.send(batch, signal), { taken: 2 })
    t.regex((await sink.send(batch.slice(2), signal)).refused?.reason ?? '', /larger than/)
    t.deepEqual(await sink.send(batch.slice(3), signal), { taken: 1 })
    await until(() => got.length === 3, { limitMs: 60_000 })
    t.true(got.every(({ headers }) => headers['content-type'] === 'application/json; charset=utf-8'))
    const ofAlert = got.find(({ topic }) => topic === names[1])!
    t.is(ofAlert.key, alert.id)
    t.like(ofAlert.headers, { ce_specversion: '1.0', ce_id: `${alert.id}-3`, ce_sequence: '2' })
    const events = got
      .filter(({ topic }) => topic === names[0])
      .sort((a, b) => (a.headers.ce_sequence! < b.headers.ce_sequence! ? -1 : 1))
    t.deepEqual(
      events.map(({ key, headers }) => [key, headers.ce_type, headers.ce_sequence]),
      [
        ['s-9', 'bartizan.event.command', '1'],
        ['b4', 'bartizan.event.command', '3'],
      ],
    )
  })
})
