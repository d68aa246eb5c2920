import test from 'ava'
import kafkajs from 'kafkajs'
import { inspectKafka, setUpKafka } from '#services/bus/kafka-setup.ts'
import { createLogger } from '#services/log.ts'
import { record } from '#test/contract/bus-place.ts'
import { onServices } from '#test/helpers/cluster.ts'
import {
  kafkaSettings,
  maxRecordBytes,
  openKafkaBus,
  ownKafkaPlace,
  retentionMs,
} from '#test/helpers/open-kafka-bus.ts'
import type { Teardown } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const log = createLogger('bus-test', 'silent')

onServices(test, ({ kafka: { brokers } }) => {
  const adminOf = async (t: Teardown) => {
    const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    t.teardown(() => admin.disconnect())
    return admin
  }
  const optionsOf = (settings: Parameters<typeof kafkaSettings>[0]) => ({
    config: kafkaSettings(settings),
    retentionMs,
    maxRecordBytes,
    log,
  })

  test('before the set-up every topic is a finding with the command that makes it; after it none is', async (t) => {
    const { settings } = ownKafkaPlace(t, brokers)
    const before = await inspectKafka(optionsOf(settings))
    const topics = before.filter(({ check }) => check.startsWith('kafka topic '))
    t.is(topics.length, 6)
    for (const { ok, fix } of topics) t.true(!ok && fix!.startsWith('kafka-topics.sh '))
    await setUpKafka(optionsOf(settings))
    await setUpKafka(optionsOf(settings))
    t.deepEqual(
      (await inspectKafka(optionsOf(settings))).filter(({ ok }) => !ok),
      [],
    )
  })

  test('processes that start at once on an empty cluster are on the same bus', async (t) => {
    const { open } = ownKafkaPlace(t, brokers)
    const buses = await Promise.all([open(), open(), open()])
    t.is(new Set(buses.map(({ id }) => id)).size, 1)
    t.regex(buses[0]!.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    await Promise.all(buses.map((bus) => bus.close()))
  })

  test('one topic made anew makes it another bus: its offsets start at 0 again', async (t) => {
    const { settings, open } = ownKafkaPlace(t, brokers)
    const first = await open()
    await first.produce([record('k', 'x', 'alerts')])
    await first.close()
    const admin = await adminOf(t)
    await admin.deleteTopics({ topics: [`${settings.topicPrefix}alerts`] })
    await until(async () => !(await admin.listTopics()).includes(`${settings.topicPrefix}alerts`))
    const second = await open()
    const [placed] = await second.produce([record('k', 'y', 'alerts')])
    await second.close()
    t.is(placed!.offset, 0)
    t.not(second.id, first.id)
  })

  test('topics with another number of partitions are refused: keys would move', async (t) => {
    const { settings, open } = ownKafkaPlace(t, brokers)
    await (await open()).close()
    const error = await t.throwsAsync(openKafkaBus({ ...settings, partitions: 5 }), { code: 'BTZ_BUS_MISCONFIGURED' })
    t.regex(error!.message, /kafka topic session-frames: has 4 partitions, not 5/)
    t.false(error!.message.includes('log-entries'))
    t.regex((error as { hint?: string }).hint!, /set kafka.partitions to 4/)
  })

  test('settings under which records could be lost are refused, with the command that mends them', async (t) => {
    const { settings, open } = ownKafkaPlace(t, brokers)
    await (await open()).close()
    const admin = await adminOf(t)
    const harmful = { 'cleanup.policy': 'compact', 'retention.ms': '1000', 'max.message.bytes': '1000' }
    const name = `${settings.topicPrefix}session-events`
    const configEntries = Object.entries(harmful).map(([name, value]) => ({ name, value }))
    const type = kafkajs.ConfigResourceTypes.TOPIC
    await admin.alterConfigs({ validateOnly: false, resources: [{ type, name, configEntries }] })
    const finding = async () =>
      (await inspectKafka(optionsOf(settings))).find(({ check }) => check === 'kafka topic session-events')!
    await until(async () => !(await finding()).ok)
    const { detail, fix } = await finding()
    t.regex(detail, /cleanup.policy is compact, not delete/)
    t.regex(detail, /retention.ms is 1000, not 3600000/)
    t.regex(
      fix!,
      new RegExp(`^kafka-configs.sh .* --entity-name ${name} --add-config cleanup.policy=delete,retention.ms=`),
    )
    await t.throwsAsync(open(), { code: 'BTZ_BUS_MISCONFIGURED', message: /session-events: cleanup.policy/ })
  })

  test('more copies than brokers is a finding', async (t) => {
    const { settings } = ownKafkaPlace(t, brokers)
    const findings = await inspectKafka(optionsOf({ ...settings, replicationFactor: 3 }))
    t.like(
      findings.find(({ check }) => check === 'kafka brokers'),
      { ok: false },
    )
  })
})

test('brokers that are away are a finding, and an error that says so', async (t) => {
  const options = {
    config: kafkaSettings({ brokers: ['127.0.0.1:1'], topicPrefix: 'x' }),
    retentionMs,
    maxRecordBytes,
    log,
  }
  const [[finding], error] = await Promise.all([
    inspectKafka(options),
    t.throwsAsync(setUpKafka(options), { code: 'BTZ_UNAVAILABLE' }),
  ])
  t.like(finding, { check: 'kafka connection', ok: false })
  t.regex(error!.message, /127\.0\.0\.1:1/)
})
