import { type Admin, Kafka, logLevel } from 'kafkajs'

/** What the bench itself asks of the brokers. */
export type BrokerView = {
  createTopic(topic: string, partitions: number): Promise<void>
  /** Records in the topic; 0 while it does not exist. */
  producedCount(topic: string): Promise<number>
  /** Records that the group has not committed. */
  lag(topic: string, group: string): Promise<number>
  /** Whether all partitions that the group reads are given out. */
  isConsuming(group: string): Promise<boolean>
  close(): Promise<void>
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0)

const endOf = async (admin: Admin, topic: string): Promise<number> =>
  sum((await admin.fetchTopicOffsets(topic)).map(({ offset }) => Number(offset)))

export const openBrokers = async (brokers: string[]): Promise<BrokerView> => {
  const client = new Kafka({
    clientId: 'bench',
    brokers,
    logLevel: logLevel.NOTHING,
    retry: { retries: 20, maxRetryTime: 2000 },
  })
  const admin = client.admin()
  await admin.connect()
  return {
    createTopic: async (topic, numPartitions) => {
      await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1 }], waitForLeaders: true })
    },
    producedCount: (topic) => endOf(admin, topic).catch(() => 0),
    lag: async (topic, groupId) => {
      const [of] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return (await endOf(admin, topic)) - sum((of?.partitions ?? []).map(({ offset }) => Math.max(0, Number(offset))))
    },
    isConsuming: async (group) => {
      const { groups } = await admin.describeGroups([group])
      return groups[0]?.state === 'Stable' && groups[0].members.length > 0
    },
    close: () => admin.disconnect(),
  }
}
