import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Consumer, SubscribeOptions, Subscription, TopicPartition } from './bus.ts'
import { type ConsumerGroup, createConsumerGroup } from './consumer-group.ts'
import { failureTeller, type Member } from './held-partition.ts'
import type { OpenLog } from './open-log.ts'

const defaultRunBytes = 4 * 1024 * 1024
const groupName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

const checkSubscription = ({ group, topics }: SubscribeOptions, open: OpenLog): void => {
  if (!groupName.test(group)) {
    throw new BartizanError('BTZ_REQUEST_INVALID', 'a group has a name of 1 to 100 letters, digits, ".", "_", "-"')
  }
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
    const place = `${at.topic}/${at.partition}`
    const { endOffset } = open.at(at).log
    if (!groupOf(member.group).holds(member, at)) {
      throw new BartizanError('BTZ_BUS_NOT_ASSIGNED', `${place} is not assigned to this member of ${member.group}`)
    }
    if (!Number.isSafeInteger(nextOffset) || nextOffset < 0 || nextOffset > endOffset) {
      throw new BartizanError('BTZ_REQUEST_INVALID', `${place} ends at ${endOffset}: cannot commit ${nextOffset}`)
    }
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
      const { group, topics, maxRunBytes = defaultRunBytes } = options
      const member: Member = { group, topics, maxRunBytes, consumer, failed: failureTeller(options, log) }
      members.add(member)
      groupOf(group).join(member)
      return { commit: (at, nextOffset) => commit(member, at, nextOffset), close: () => leave(member) }
    },
    async closeAll() {
      await Promise.all([...members].map(leave))
    },
  }
}
