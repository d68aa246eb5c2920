import { randomInt } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import kafkajs from 'kafkajs'
import type { Bus, BusRecord, Placed } from '#services/bus/bus.ts'
import { hasCode } from '#services/errors.ts'
import { keyOfEach, numbers, record, textOf, watch } from '#test/contract/bus-place.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { openKafkaBus } from '#test/helpers/open-kafka-bus.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { type Kafka, startKafka } from '../../../scripts/engines/kafka.ts'

const rounds = 5
const writers = 10
const topic = 'session-events' as const
const patient = { limitMs: 60_000, everyMs: 100 }

/** Writes numbers one after the other under a key of its own, each until it is acknowledged. */
const startWriter = (bus: Bus, key: string) => {
  const acknowledged: Placed[] = []
  const failures: string[] = []
  let isStopped = false
  const run = async (): Promise<void> => {
    while (!isStopped) {
      try {
        const [placed] = await bus.produce([record(key, `${acknowledged.length}`, topic)])
        acknowledged.push(placed!)
      } catch (error) {
        if (!hasCode(error, 'BTZ_UNAVAILABLE')) throw error
        failures.push((error as Error).message)
      }
    }
  }
  const running = run()
  return {
    key,
    acknowledged,
    failures,
    stop: async () => {
      isStopped = true
      await running
    },
  }
}
type Writer = ReturnType<typeof startWriter>

/** Who leads a partition now, and whether every partition has all its copies again. */
const stateOf = async (brokers: string[], partition: number) => {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const { partitions } = topics[0]!
    const leader = partitions.find(({ partitionId }) => partitionId === partition)!.leader
    return { leader, isWhole: partitions.every(({ isr }) => isr.length === 3) }
  } finally {
    await admin.disconnect()
  }
}

const killLeader = async (t: ExecutionContext, kafka: Kafka, partition: number, all: Writer[]): Promise<void> => {
  await until(async () => (await stateOf(kafka.brokers, partition)).isWhole, { ...patient, what: 'all copies in sync' })
  const hasBegun = () => all.every(({ acknowledged }) => acknowledged.length > 0)
  await until(hasBegun, { ...patient, what: 'every writer having begun' })
  const { leader } = await stateOf(kafka.brokers, partition)
  const before = all.map(({ acknowledged }) => acknowledged.length)
  await kafka.kill(leader, 'SIGKILL')
  const hasGoneOn = () => all.every(({ acknowledged }, at) => acknowledged.length > before[at]! + 5)
  await until(hasGoneOn, { ...patient, what: `every writer going on without node ${leader}` })
  await kafka.restart(leader)
  t.log(`node ${leader} killed, led partition ${partition}; acknowledged before: ${before.join(' ')}`)
}

const ofKey = (records: BusRecord[], key: string): number[] =>
  records.filter((one) => one.key === key).map((one) => Number(textOf(one)))
const firstsOf = (values: number[]): number[] => [...new Set(values)]

onServices(test, () => {
  test('leaders killed -9 while ten writers write: nothing acknowledged is lost, every key keeps its order', async (t) => {
    t.timeout(10 * 60_000)
    const seed = Number(process.env.BUS_SEED ?? randomInt(2 ** 31))
    t.log(`BUS_SEED=${seed}`)
    const random = seededRandom(seed)
    const kafka = await startKafka({ folder: await temporaryFolder(t), brokers: 3 })
    t.teardown(() => kafka.stop())
    const settings = { brokers: kafka.brokers, partitions: 6, replicationFactor: 3 }
    const [bus, other] = [await openKafkaBus(settings), await openKafkaBus(settings)]
    const seen: BusRecord[] = []
    for (const one of [bus, other]) {
      const member = await watch(one, 'g', {
        act: async ({ topic, partition, records }) => {
          seen.push(...records)
          const done = member.subscription.commit({ topic, partition }, records.at(-1)!.offset + 1)
          await done.catch((error: unknown) => {
            if (!hasCode(error, 'BTZ_BUS_NOT_ASSIGNED')) throw error
          })
        },
      })
    }
    const keys = keyOfEach(bus)
    const all = numbers(writers).map((n) => startWriter(bus, `${keys[n % keys.length]}/${n}`))
    for (const _ of numbers(rounds)) await killLeader(t, kafka, Math.floor(random() * keys.length), all)
    await Promise.all(all.map((writer) => writer.stop()))

    const log: BusRecord[] = []
    for (const partition of numbers(keys.length)) log.push(...(await bus.read({ topic, partition }, 0, 10_000_000)))
    const ends = new Map((await bus.lag()).map(({ partition, end }) => [partition, end]))
    const isDone = async () => (await bus.lag()).every(({ partition, committed }) => committed === ends.get(partition))
    await until(isDone, { ...patient, what: 'the group at the end' })
    const atPlace = new Map(log.map((one) => [`${one.partition}/${one.offset}`, one]))
    for (const { key, acknowledged, failures } of all) {
      for (const [n, { partition, offset }] of acknowledged.entries()) {
        const found = atPlace.get(`${partition}/${offset}`)
        t.is(found && `${found.key} ${textOf(found)}`, `${key} ${n}`)
      }
      const written = ofKey(log, key)
      t.deepEqual(firstsOf(written), numbers(firstsOf(written).length), `${key} in order`)
      t.true(written.length <= acknowledged.length + failures.length, `${key}: no more than was sent`)
      t.deepEqual(firstsOf(ofKey(seen, key)), firstsOf(written), `${key} delivered in order`)
    }
    const count = all.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
    const failed = all.reduce((sum, { failures }) => sum + failures.length, 0)
    t.log(`${count} acknowledged, ${log.length} in the log, ${failed} sends failed, ${seen.length} delivered`)
    await Promise.all([bus.close(), other.close()])
  })
})
