import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { type Topic, topics } from '#services/bus/bus.ts'
import type { KafkaRole } from '#services/bus/kafka-acls.ts'
import { connectCluster, createKafkaClient, type KafkaSettings } from '#services/bus/kafka-client.ts'
import { grantKafka } from '#services/bus/kafka-grants.ts'
import { createKafkaProducer } from '#services/bus/kafka-producer.ts'
import { readRecords } from '#services/bus/kafka-read.ts'
import { inspectKafka, setUpKafka } from '#services/bus/kafka-setup.ts'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import { createLogger } from '#services/log.ts'
import { record, textOf, until, watch } from '#test/contract/bus-place.ts'
import { onServices, ownName } from '#test/helpers/cluster.ts'
import { kafkaSettings, maxRecordBytes, openKafkaBus, retentionMs } from '#test/helpers/open-kafka-bus.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { type Kafka, startKafka } from '../../../scripts/engines/kafka.ts'

const log = createLogger('bus-test', 'silent')
const users: (KafkaRole | 'nobody')[] = ['agent', 'receiver', 'ingest', 'set-up', 'nobody']
const secretOf = (user: string): string => `secret-of-${user}`

/** One broker for all tests of this file: SASL/SCRAM over TLS, nothing allowed that no ACL names. */
const started = async (t: Parameters<typeof temporaryFolder>[0]) => {
  const folder = await temporaryFolder(t)
  const kafka = await startKafka({
    folder,
    brokers: 1,
    security: 'sasl-tls',
    users: users.map((username) => ({ username, password: secretOf(username) })),
  })
  t.teardown(() => kafka.stop())
  return { folder, kafka }
}

type Place = { kafka: Kafka; folder: string; topicPrefix: string }
const settingsOf = async ({ kafka, folder, topicPrefix }: Place, username: string, password: string) => {
  const passwordFile = join(folder, `${ownName()}.password`)
  await writeFile(passwordFile, `${password}\n`)
  const tls = { enabled: true, caFile: kafka.caFile! }
  return kafkaSettings({ brokers: kafka.brokers, topicPrefix, username, passwordFile, tls })
}
const asUser = (place: Place, user: string): Promise<KafkaSettings> => settingsOf(place, user, secretOf(user))
const asAdmin = (place: Place): Promise<KafkaSettings> =>
  settingsOf(place, place.kafka.adminUser!.username, place.kafka.adminUser!.password)

const grant = async (place: Place, roles: KafkaRole[]): Promise<void> =>
  grantKafka(await asAdmin(place), new Map(roles.map((role) => [role, role])), log)
const setUp = (config: KafkaSettings) => setUpKafka({ config, retentionMs, maxRecordBytes, log })

onServices(test, () => {
  let shared: Promise<{ folder: string; kafka: Kafka }> | undefined
  const ending: (() => unknown)[] = []
  test.after.always('the broker stops', async () => {
    for (const run of ending.reverse()) await run()
  })
  const placed = async (): Promise<Place> => {
    shared ??= started({ teardown: (run) => void ending.push(run) })
    return { ...(await shared), topicPrefix: `${ownName()}-` }
  }

  test('a wrong password is refused at once, by an error that says who and holds no secret', async (t) => {
    const place = await placed()
    const settings = await settingsOf(place, 'ingest', 'wrong-guess')
    const startedAtMs = performance.now()
    const error = await t.throwsAsync(openKafkaBus(settings), { code: 'BTZ_AUTH_REQUIRED' })
    t.true(performance.now() - startedAtMs < 10_000)
    t.false(JSON.stringify([error, error?.message, error?.stack, error?.cause]).includes('wrong-guess'))
    const [connection] = await inspectKafka({ config: settings, retentionMs, maxRecordBytes, log })
    t.like(connection, { check: 'kafka connection', ok: false })
    t.false(JSON.stringify(connection).includes('wrong-guess'))
  })

  test('a broker whose certificate nobody vouched for is refused', async (t) => {
    const place = await placed()
    const settings = { ...(await asAdmin(place)), tls: { enabled: true } }
    const error = await t.throwsAsync(openKafkaBus(settings), { code: 'BTZ_UNAVAILABLE' })
    t.regex(error!.message, /certificate/)
  })

  test('the set-up makes the topics; a process that may not make any starts on them', async (t) => {
    const place = await placed()
    await grant(place, ['set-up', 'receiver'])
    const receiver = await asUser(place, 'receiver')
    const refused = await t.throwsAsync(openKafkaBus(receiver), { code: 'BTZ_BUS_MISCONFIGURED' })
    t.regex(refused!.message, /session-frames: does not exist/)
    await setUp(await asUser(place, 'set-up'))
    const bus = await openKafkaBus(receiver)
    t.teardown(() => bus.close())
    t.is((await bus.produce([record('k', 'x', 'session-frames')])).length, 1)
  })

  test('an agent may write two topics, and nothing else', async (t) => {
    const place = await placed()
    await grant(place, ['agent', 'ingest'])
    await setUp(await asAdmin(place))
    const config = await asUser(place, 'agent')
    const agent = await createKafkaProducer({
      config,
      topics: ['session-frames', 'session-events'],
      maxRecordBytes,
      log,
    })
    t.teardown(() => agent.close())
    await agent.produce([record('k', 'frames', 'session-frames'), record('k', 'event', 'session-events')])
    const others = topics.filter((topic) => !['session-frames', 'session-events'].includes(topic))
    for (const topic of others) {
      const opening = createKafkaProducer({ config, topics: [topic], maxRecordBytes, log })
      await t.throwsAsync(opening, { code: 'BTZ_FORBIDDEN' }, topic)
    }
    const admin = createKafkaClient(config, log).admin()
    await admin.connect()
    t.teardown(() => admin.disconnect())
    const name = (topic: Topic) => config.topicPrefix + topic
    await t.throwsAsync(admin.deleteTopics({ topics: [name('session-frames')] }), { message: /authorization/i })
    const partitions = [{ partition: 0, offset: '1' }]
    await t.throwsAsync(admin.deleteTopicRecords({ topic: name('session-frames'), partitions }))
    await t.throwsAsync(admin.fetchOffsets({ groupId: `${config.topicPrefix}g` }))
    const cluster = await connectCluster(createKafkaClient(config, log), [name('session-frames')])
    t.teardown(() => cluster.disconnect())
    const own = { topic: 'session-frames', partition: partitionOfKey('k', config.partitions) } as const
    const reading = readRecords({ cluster, nameOf: name, maxBatchBytes: maxRecordBytes }, own, 0, 1)
    await t.throwsAsync(reading, { code: 'BTZ_FORBIDDEN' })

    const bus = await openKafkaBus(await asUser(place, 'ingest'))
    t.teardown(() => bus.close())
    const seen = await watch(bus, 'g', { topics: ['session-frames', 'session-events'] })
    await until(() => seen.records.length >= 2)
    t.deepEqual(seen.records.map(textOf).sort(), ['event', 'frames'])
    await seen.subscription.commit(seen.records[0]!, 1)
    t.true((await bus.lag()).some(({ group, committed }) => group === 'g' && committed === 1))
  })

  test('a user without any right is told so, and what would help', async (t) => {
    const place = await placed()
    await setUp(await asAdmin(place))
    const config = await asUser(place, 'nobody')
    await t.throwsAsync(createKafkaProducer({ config, topics: ['session-events'], maxRecordBytes, log }), {
      code: 'BTZ_FORBIDDEN',
      message: /TOPIC_AUTHORIZATION_FAILED/,
    })
    const findings = await inspectKafka({ config, retentionMs, maxRecordBytes, log })
    t.like(findings.find(({ check }) => check === 'kafka topic session-events')!, { ok: false })
  })
})
