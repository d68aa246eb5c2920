import { join } from 'node:path'
import { BartizanError } from '../errors.ts'
import type { Topic, TopicPartition } from './bus.ts'
import { type BusIdentity, openIdentity } from './bus-identity.ts'
import type { GroupPartition } from './consumer-group.ts'
import { corrupt } from './frame-read.ts'
import { type GroupCommits, openGroupCommits } from './group-commits.ts'
import type { LogBusOptions } from './log-bus.ts'
import { createLogPartition } from './log-partition.ts'
import { findPartition } from './open-partition.ts'

export type OpenLog = {
  id: string
  commits: GroupCommits
  partitions: readonly GroupPartition[]
  partitionCount(topic: Topic): number
  /** @throws BTZ_BUS_UNKNOWN_TOPIC */
  at(place: TopicPartition): GroupPartition
}

const openPartition = async (
  at: TopicPartition,
  { mark }: BusIdentity,
  { folder: busFolder, segmentBytes, clock, log }: LogBusOptions,
  onRoll: (partition: GroupPartition) => void,
): Promise<GroupPartition> => {
  const folder = join(busFolder, at.topic, String(at.partition))
  const found = await findPartition(folder, mark, log)
  const partition: GroupPartition = {
    ...at,
    log: createLogPartition({ folder, mark, segmentBytes, clock, found, onRoll: () => onRoll(partition) }),
  }
  return partition
}

/**
 * A record reaches a member only once it is durable, and goes only after all have committed it: a commit outside
 * the log means that acknowledged records were lost, and that their offsets would be given out again, unread.
 */
const checkCommits = (folder: string, commits: GroupCommits, partitions: readonly GroupPartition[]): void => {
  for (const at of partitions) {
    for (const group of commits.groups()) {
      if (!commits.has(group, at)) continue
      const committed = commits.committed(group, at)
      if (committed >= at.log.startOffset && committed <= at.log.endOffset) continue
      throw corrupt(
        join(folder, at.topic, String(at.partition)),
        committed,
        `no record, though group ${group} has been`,
      )
    }
  }
}

export const openLog = async (
  options: LogBusOptions,
  onRoll: (partition: GroupPartition) => void,
): Promise<OpenLog> => {
  const identity = await openIdentity(options.folder, options.partitions)
  const commits = await openGroupCommits(options.folder)
  const places = [...identity.partitions].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  )
  const opening = await Promise.allSettled(places.map((at) => openPartition(at, identity, options, onRoll)))
  const partitions = opening.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  try {
    for (const result of opening) if (result.status === 'rejected') throw result.reason
    checkCommits(options.folder, commits, partitions)
  } catch (error) {
    await Promise.all(partitions.map(({ log }) => log.close()))
    throw error
  }
  const byPlace = new Map(partitions.map((partition) => [`${partition.topic}/${partition.partition}`, partition]))
  return {
    id: identity.id,
    commits,
    partitions,
    partitionCount: (topic) => identity.partitions.get(topic) ?? 0,
    at({ topic, partition }) {
      const found = byPlace.get(`${topic}/${partition}`)
      if (!found) throw new BartizanError('BTZ_BUS_UNKNOWN_TOPIC', `the bus has no partition ${topic}/${partition}`)
      return found
    },
  }
}
