import test from 'ava'
import kafkajs from 'kafkajs'
import type { Bus } from '#services/bus/bus.ts'
import { undecodableHeader } from '#services/bus/kafka-record-batch.ts'
import { hasCode } from '#services/errors.ts'
import { keyOfEach, numbers, record, textOf, watch } from '#test/contract/bus-place.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { ownKafkaPlace } from '#test/helpers/open-kafka-bus.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { patience, until } from '#test/helpers/until.ts'
import { startKafka } from '../../../scripts/engines/kafka.ts'

const topic = 'session-events' as const
const patient = { limitMs: 60_000, everyMs: 50 }

const untilProduced = async (bus: Bus, key: string, text: string): Promise<void> => {
  for (;;) {
    try {
      await bus.produce([record(key, text)])
      return
    } catch (error) {
      if (!hasCode(error, 'BTZ_UNAVAILABLE')) throw error
    }
  }
}

onServices(test, ({ kafka: { brokers } }) => {
  test('a broker killed -9 and started again: writers and members go on by themselves, nothing is lost', async (t) => {
    t.timeout(10 * 60_000)
    const kafka = await startKafka({ folder: await temporaryFolder(t), brokers: 1 })
    t.teardown(() => kafka.stop())
    const { open } = ownKafkaPlace({ teardown: () => {} }, kafka.brokers)
    const bus = await open()
    const seen = await watch(bus, 'g', {})
    const keys = keyOfEach(bus)
    for (const key of keys) await untilProduced(bus, key, 'before')
    await until(() => seen.records.length >= keys.length, patient)
    await kafka.kill(1, 'SIGKILL')
    const producing = keys.map((key) => untilProduced(bus, key, 'meanwhile'))
    await kafka.restart(1)
    await Promise.all(producing)
    for (const key of keys) await untilProduced(bus, key, 'after')
    const texts = (key: string) => [...new Set(seen.records.filter((one) => one.key === key).map(textOf))]
    await until(() => keys.every((key) => texts(key).includes('after')), { ...patient, what: 'the records after it' })
    for (const key of keys) t.deepEqual(texts(key), ['before', 'meanwhile', 'after'])
    const last = seen.records.at(-1)!
    await until(
      () =>
        seen.subscription.commit(last, last.offset + 1).then(
          () => true,
          () => false,
        ),
      patient,
    )
    await bus.close()
  })

  test('a broker that hangs: a writer is refused in time, and the bus closes', async (t) => {
    t.timeout(10 * 60_000)
    const kafka = await startKafka({ folder: await temporaryFolder(t), brokers: 1 })
    t.teardown(() => kafka.stop())
    const { open } = ownKafkaPlace({ teardown: () => {} }, kafka.brokers)
    const bus = await open()
    await watch(bus, 'g', {})
    await untilProduced(bus, 'k', 'before')
    await kafka.kill(1, 'SIGSTOP')
    const startedAtMs = performance.now()
    await t.throwsAsync(bus.produce([record('k', 'x')]), { code: 'BTZ_UNAVAILABLE' })
    await bus.close()
    t.true(performance.now() - startedAtMs < 120_000 * patience)
    await kafka.kill(1, 'SIGCONT')
  })

  test('a bomb that somebody wrote past us stands as one record, and what follows is delivered', async (t) => {
    const { settings, open } = ownKafkaPlace(t, brokers)
    const bus = await open()
    t.teardown(() => bus.close())
    const producer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    await producer.send({
      topic: settings.topicPrefix + topic,
      compression: kafkajs.CompressionTypes.GZIP,
      messages: [{ key: 'k', value: Buffer.alloc(32 * 1024 * 1024) }],
    })
    await producer.disconnect()
    const [placed] = await bus.produce([record('k', 'after')])
    t.is(placed!.offset, 1)
    const seen = await watch(bus, 'g', {})
    await until(() => seen.records.length >= 2, patient)
    t.truthy(seen.records[0]!.headers[undecodableHeader])
    t.is(textOf(seen.records[1]!), 'after')
    const read = await bus.read(placed!, 0, 10)
    t.deepEqual(
      read.map(({ offset }) => offset),
      [0, 1],
    )
  })

  test('what was removed before a group had read it is passed over, before a start and during a run', async (t) => {
    const { settings, open } = ownKafkaPlace(t, brokers)
    const bus = await open()
    t.teardown(() => bus.close())
    const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    t.teardown(() => admin.disconnect())
    // kafkajs asks the leader it knew before it looked for the present one, and calls the refusal final.
    const unlessMoved = (asked: Promise<unknown>): Promise<boolean> =>
      asked.then(
        () => true,
        (error: { type?: string }) => {
          if (error.type !== 'NOT_LEADER_FOR_PARTITION') throw error
          return false
        },
      )
    // Loads what deleteTopicRecords needs.
    await until(() => unlessMoved(admin.fetchTopicOffsets(settings.topicPrefix + topic)), patient)
    const [placed] = await bus.produce(numbers(20).map((n) => record('k', `${n}`)))
    const askToRemove = (offset: number) =>
      unlessMoved(
        admin.deleteTopicRecords({
          topic: settings.topicPrefix + topic,
          partitions: [{ partition: placed!.partition, offset: `${offset}` }],
        }),
      )
    const remove = (offset: number) => until(() => askToRemove(offset), patient)
    const first = await watch(bus, 'g', {})
    await until(() => first.records.length >= 20, patient)
    await first.subscription.commit(placed!, 5)
    await first.subscription.close()
    await remove(12)
    const second = await watch(bus, 'g', {})
    await until(() => second.records.length >= 8, patient)
    t.is(textOf(second.records[0]!), '12')
    await second.subscription.commit(placed!, 20)
    t.deepEqual((await bus.read(placed!, 0, 3)).map(textOf), ['12', '13', '14'])
  })
})
