import test from 'ava'
import { pino } from 'pino'
import { createKafkaClient } from '#services/bus/kafka-client.ts'
import { loadConfig } from '#services/config.ts'
import { onServices } from '#test/helpers/cluster.ts'
import { clusterEnv, nameOf } from '#test/helpers/cluster-product.ts'
import { startProduct, untilSealed } from '#test/helpers/running.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { assertRecorded, recordedOutput, startStream, totalBytes } from '#test/helpers/streams.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { startKafka } from '../../scripts/engines/kafka.ts'

const sessions = 10
const rounds = 5
/** All is to be indexed soon after: a busy machine, on which five kills take long, can draw only so many random bytes. */
const pauseMs = 200

/** Who leads the partitions of a topic, and whether every copy is in sync again. */
const openTopicView = async (brokers: string[], topic: string) => {
  const { kafka } = loadConfig(undefined, { BARTIZAN_KAFKA_BROKERS: brokers.join(',') })
  const admin = createKafkaClient(kafka, pino({ level: 'silent' })).admin()
  await admin.connect()
  /** Nothing: the broker that was asked is the one that was killed. */
  const partitions = async () => {
    const found = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => null)
    return found?.topics[0]?.partitions ?? []
  }
  return {
    /** 0: there is none now, or it cannot be told. */
    leader: async (partition: number) =>
      Math.max(0, (await partitions()).find(({ partitionId }) => partitionId === partition)?.leader ?? 0),
    isInSync: async () => {
      const found = await partitions()
      return found.length > 0 && found.every(({ isr, leader }) => isr.length === 3 && leader > 0)
    },
    close: () => admin.disconnect(),
  }
}

onServices(test, (services) => {
  test.serial(
    `the broker that leads is killed ${rounds} times while ${sessions} sessions stream, and no byte is lost or doubled`,
    async (t) => {
      t.timeout(10 * 60_000)
      const kafka = await startKafka({ folder: await temporaryFolder(t), brokers: 3 })
      t.teardown(kafka.stop)
      const data = await temporaryFolder(t)
      const env = await clusterEnv(data, { ...services, kafka })
      const product = await startProduct(t, {
        data,
        env: { ...env, BARTIZAN_INGEST_BLOCK_MAX_MS: '2000', BARTIZAN_LOG_LEVEL: 'warn' },
      })
      const view = await openTopicView(kafka.brokers, `${nameOf(data)}-session-frames`)
      t.teardown(view.close)
      const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Date.now() % 1_000_000)
      t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
      const streams = await Promise.all(
        Array.from({ length: sessions }, (_, n) =>
          startStream(product.endpoints.sudoPort, `user${n}`, seededRandom(seed + n), pauseMs),
        ),
      )
      for (let round = 0; round < rounds; round++) {
        let node = 0
        await until(async () => {
          node = await view.leader(round % 4)
          return node > 0
        })
        await kafka.kill(node, 'SIGKILL')
        await until(async () => ![0, node].includes(await view.leader(round % 4)), {
          limitMs: 60_000,
          what: 'another leader',
        })
        await kafka.restart(node)
        await until(view.isInSync, { limitMs: 120_000, everyMs: 250, what: 'all copies in sync' })
      }
      for (const stream of streams) {
        await stream.stop()
        stream.client.exit()
        await stream.client.committed()
      }
      for (const { logId } of streams) await untilSealed(product, logId)
      for (const stream of streams) {
        await assertRecorded(t, product, stream)
        t.is((await recordedOutput(product, stream.logId)).byteLength, totalBytes(stream.sent))
      }
      t.is(await product.stop(), 0)
    },
  )
})
