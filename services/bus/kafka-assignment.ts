import kafkajs, { type GroupMember, type GroupMemberAssignment } from 'kafkajs'
import { assignPartitions } from './assign-partitions.ts'
import { type Topic, type TopicPartition, topics } from './bus.ts'

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol

/** The name under which members of a group find that they assign alike. */
export const protocolName = 'bartizan'

export const encodeSubscription = (subscribed: readonly Topic[]): Buffer =>
  MemberMetadata.encode({ version: 0, topics: [...subscribed], userData: Buffer.alloc(0) })

const isTopic = (name: string): name is Topic => (topics as readonly string[]).includes(name)

const encodeAssignment = (partitions: TopicPartition[]): Buffer => {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  const assignment = Object.fromEntries(
    [...byTopic].map(([topic, all]) => [topic, all.map(({ partition }) => partition)]),
  )
  return MemberAssignment.encode({ version: 0, assignment, userData: Buffer.alloc(0) })
}

/** What the leader of a group gives each member; the same whoever leads. */
export const assignGroup = (
  members: GroupMember[],
  partitionCount: (topic: Topic) => number,
): GroupMemberAssignment[] => {
  const known = members
    .map(({ memberId, memberMetadata }) => ({
      memberId,
      topics: (MemberMetadata.decode(memberMetadata)?.topics ?? []).filter(isTopic),
    }))
    .sort((one, other) => (one.memberId < other.memberId ? -1 : 1))
  const wanted = topics.filter((topic) => known.some((member) => member.topics.includes(topic)))
  const partitions = wanted.flatMap((topic) =>
    Array.from({ length: partitionCount(topic) }, (_, partition) => ({ topic, partition })),
  )
  const owners = assignPartitions(known, partitions)
  return known.map((member) => ({
    memberId: member.memberId,
    memberAssignment: encodeAssignment(partitions.filter((at) => owners.get(at) === member)),
  }))
}

/** What this member got, of the topics it asked for. */
export const decodeAssignment = (
  assignment: Buffer,
  subscribed: readonly Topic[],
  partitionCount: (topic: Topic) => number,
): TopicPartition[] => {
  const given = MemberAssignment.decode(assignment)?.assignment ?? {}
  return subscribed.flatMap((topic) =>
    [...new Set(given[topic])].filter((one) => one < partitionCount(topic)).map((partition) => ({ topic, partition })),
  )
}
