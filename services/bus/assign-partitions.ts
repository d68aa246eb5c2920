import type { Topic, TopicPartition } from './bus.ts'

/** Who of a group's members gets which partition: evenly, each member only topics it asked for. */
export const assignPartitions = <Member extends { topics: readonly Topic[] }>(
  members: readonly Member[],
  partitions: readonly TopicPartition[],
): Map<TopicPartition, Member> => {
  const counts = new Map(members.map((member) => [member, 0]))
  const owners = new Map<TopicPartition, Member>()
  for (const at of partitions) {
    const able = members.filter(({ topics }) => topics.includes(at.topic))
    const [first, ...others] = able
    if (!first) continue
    const owner = others.reduce((least, member) => (counts.get(member)! < counts.get(least)! ? member : least), first)
    counts.set(owner, counts.get(owner)! + 1)
    owners.set(at, owner)
  }
  return owners
}
