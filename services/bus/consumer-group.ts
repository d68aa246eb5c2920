import type { Logger } from '../log.ts'
import { assignPartitions } from './assign-partitions.ts'
import type { TopicPartition } from './bus.ts'
import { type HeldPartition, holdPartition } from './held-partition.ts'
import type { LogPartition } from './log-partition.ts'
import { announce, type Member, withdraw } from './member.ts'
import { createSerial } from './serial.ts'

export type GroupPartition = TopicPartition & { log: LogPartition }

export type ConsumerGroup = {
  /** The member gets its share in a later turn, so that the caller has its subscription by then. */
  join(member: Member): void
  leave(member: Member): Promise<void>
  holds(member: Member, at: TopicPartition): boolean
}

export type ConsumerGroupOptions = {
  partitions: readonly GroupPartition[]
  committed(at: TopicPartition): number
  log: Logger
}

const placeOf = ({ topic, partition }: TopicPartition): TopicPartition => ({ topic, partition })

/** The members of one group in this process, and who of them holds which partition. */
export const createConsumerGroup = ({ partitions, committed, log }: ConsumerGroupOptions): ConsumerGroup => {
  const members = new Set<Member>()
  const holdings = new Map<Member, Map<GroupPartition, HeldPartition>>()
  const exclusively = createSerial()

  const revoke = async (member: Member, lost: GroupPartition[]): Promise<void> => {
    const held = holdings.get(member)!
    await Promise.all(lost.map((partition) => held.get(partition)!.stop()))
    for (const partition of lost) held.delete(partition)
    await withdraw(member, lost.map(placeOf), log)
  }
  const grant = (member: Member, won: GroupPartition[]): void => {
    const held = holdings.get(member) ?? new Map<GroupPartition, HeldPartition>()
    holdings.set(member, held)
    const { promise: ready, resolve } = Promise.withResolvers<void>()
    const granted = won.map((partition) => {
      const at = placeOf(partition)
      const one = holdPartition({ at, log: partition.log, member, committed: () => committed(at) }, ready)
      held.set(partition, one)
      return one
    })
    resolve(announce(member, granted))
  }
  const rebalance = async (): Promise<void> => {
    const owners = assignPartitions([...members], partitions)
    await Promise.all(
      [...holdings].map(async ([member, held]) => {
        const lost = [...held.keys()].filter((partition) => owners.get(partition) !== member)
        if (lost.length > 0) await revoke(member, lost)
        if (!members.has(member)) holdings.delete(member)
      }),
    )
    for (const member of members) {
      const won = partitions.filter((at) => owners.get(at) === member && !holdings.get(member)?.has(at))
      if (won.length > 0) grant(member, won)
    }
  }

  return {
    join(member) {
      members.add(member)
      setImmediate(() => exclusively(rebalance))
    },
    async leave(member) {
      members.delete(member)
      await exclusively(rebalance)
    },
    holds(member, { topic, partition }) {
      const held = holdings.get(member)?.keys() ?? []
      return [...held].some((at) => at.topic === topic && at.partition === partition)
    },
  }
}
