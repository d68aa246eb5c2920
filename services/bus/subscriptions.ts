import type { Logger } from '../log.ts'
import type { Consumer, SubscribeOptions, Subscription, TopicPartition } from './bus.ts'
import { type ConsumerGroup, createConsumerGroup } from './consumer-group.ts'
import { checkCommit, checkGroupName, createMember, type Member, notAssigned } from './member.ts'
import type { OpenLog } from './open-log.ts'

const checkSubscription = ({ group, topics }: SubscribeOptions, open: OpenLog): void => {
  checkGroupName(group)
  for (const topic of topics) open.at({ topic, partition: 0 })
}

/** Where every group starts that is new to these topics: at the oldest record. */
const register = ({ commits, partitions }: OpenLog, { group, topics }: SubscribeOptions): Promise<void> =>
  commits.register(
    group,
    partitions
      .filter(({ topic }) => topics.includes(topic))
      .map(({ topic, partition, log }) => ({ topic, partition, offset: log.startOffset })),
  )

export type Subscriptions = {
  subscribe(options: SubscribeOptions, consumer: Consumer): Promise<Subscription>
  closeAll(): Promise<void>
}

export const createSubscriptions = (open: OpenLog, log: Logger): Subscriptions => {
  const groups = new Map<string, ConsumerGroup>()
  const members = new Set<Member>()

  const groupOf = (name: string): ConsumerGroup => {
    const committed = (at: TopicPartition) => open.commits.committed(name, at)
    const group = groups.get(name) ?? createConsumerGroup({ partitions: open.partitions, committed, log })
    groups.set(name, group)
    return group
  }
  const commit = async (member: Member, at: TopicPartition, nextOffset: number): Promise<void> => {
    const { endOffset } = open.at(at).log
    if (!groupOf(member.group).holds(member, at)) throw notAssigned(member, at)
    checkCommit(at, nextOffset, endOffset)
    await open.commits.commit(member.group, at, nextOffset)
  }
  const leave = async (member: Member): Promise<void> => {
    members.delete(member)
    await groupOf(member.group).leave(member)
  }

  return {
    async subscribe(options, consumer) {
      checkSubscription(options, open)
      await register(open, options)
      const member = createMember(options, consumer, log)
      members.add(member)
      groupOf(member.group).join(member)
      return { commit: (at, nextOffset) => commit(member, at, nextOffset), close: () => leave(member) }
    },
    async closeAll() {
      await Promise.all([...members].map(leave))
    },
  }
}
