import type { Bus } from '#services/bus/bus.ts'
import { createKafkaBus } from '#services/bus/kafka-bus.ts'
import { createKafkaClient, type KafkaSettings } from '#services/bus/kafka-client.ts'
import { systemClock } from '#services/clock.ts'
import { Config } from '#services/config.ts'
import { createLogger } from '#services/log.ts'
import { ownName } from './cluster.ts'
import type { Teardown } from './temporary-folder.ts'

export const retentionMs = 3_600_000
export const maxRecordBytes = 256 * 1024

/** Few partitions and one copy, unless said otherwise. */
export const kafkaSettings = (settings: Partial<KafkaSettings>): KafkaSettings =>
  Config.shape.kafka.parse({ partitions: 4, replicationFactor: 1, ...settings })

/** For this process or a child. */
export const openKafkaBus = (settings: Partial<KafkaSettings>): Promise<Bus> =>
  createKafkaBus({
    config: kafkaSettings(settings),
    retentionMs,
    maxRecordBytes,
    clock: systemClock,
    log: createLogger('bus-test', process.env.BUS_LOG ?? 'silent'),
  })

/** Topics of a test's own on brokers that others use too; they are removed after it. */
export const ownKafkaPlace = (t: Teardown, brokers: string[]) => {
  const settings = { brokers, topicPrefix: `${ownName()}-` }
  t.teardown(() => removeKafkaPlace(settings))
  return { settings, open: () => openKafkaBus(settings) }
}

/** With its groups, as far as they have no members. */
const removeKafkaPlace = async (settings: Pick<KafkaSettings, 'brokers' | 'topicPrefix'>): Promise<void> => {
  const admin = createKafkaClient(kafkaSettings(settings), createLogger('bus-test', 'silent')).admin()
  await admin.connect()
  try {
    const { groups } = await admin.listGroups()
    const ours = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(settings.topicPrefix))
    await admin.deleteGroups(ours).catch(() => {})
    const names = (await admin.listTopics()).filter((name) => name.startsWith(settings.topicPrefix))
    if (names.length > 0) await admin.deleteTopics({ topics: names, timeout: 60_000 })
  } finally {
    await admin.disconnect()
  }
}
