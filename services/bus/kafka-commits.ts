import { setTimeout as sleep } from 'node:timers/promises'
import type { Topic, TopicPartition } from './bus.ts'
import { createGathering } from './gather.ts'
import type { Coordination } from './kafka-coordinator.ts'
import { answerOf, busError } from './kafka-errors.ts'
import { type Generation, isFencing } from './kafka-membership.ts'
import { keyOf } from './kafka-offsets.ts'
import { type Member, notAssigned } from './member.ts'
import { retryDelayMs } from './retry.ts'

const attempts = 8 // about 20 s

type Commit = { at: TopicPartition; nextOffset: number }

export type GenerationCommits = {
  /** Resolves when durable; lower than before: no effect. @throws BTZ_BUS_NOT_ASSIGNED BTZ_UNAVAILABLE BTZ_FORBIDDEN */
  commit(at: TopicPartition, nextOffset: number): Promise<void>
}
export type CommitOptions = {
  coordination: Coordination
  groupId: string
  generation: Generation
  member: Pick<Member, 'group'>
  nameOf(topic: Topic): string
  /** By `keyOf`: what is committed durably already. */
  committed: Map<string, number>
}

/** The broker refuses what is not of the group's generation, so that nobody commits for a partition that has moved on. */
const isOver = (error: unknown): boolean => isFencing(error) || answerOf(error) === 'REBALANCE_IN_PROGRESS'

/** Commits of one generation. Those made while one is under way share the next. */
export const createGenerationCommits = ({
  coordination,
  groupId,
  generation,
  member,
  nameOf,
  committed,
}: CommitOptions): GenerationCommits => {
  const write = async (highest: Map<string, Commit>): Promise<void> => {
    const byName = Map.groupBy(highest.values(), ({ at }) => nameOf(at.topic))
    const topics = [...byName].map(([topic, commits]) => ({
      topic,
      partitions: commits.map(({ at, nextOffset }) => ({ partition: at.partition, offset: String(nextOffset) })),
    }))
    const { id, memberId } = generation
    await coordination((one) => one.offsetCommit({ groupId, groupGenerationId: id, memberId, topics }))
  }
  const writeInTime = async (highest: Map<string, Commit>): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await write(highest)
      } catch (error) {
        const { at } = highest.values().next().value!
        if (isOver(error)) throw notAssigned(member, at)
        const failure = busError(error, `committing for ${groupId}`)
        if (attempt === attempts || failure.code !== 'BTZ_UNAVAILABLE') throw failure
        await sleep(retryDelayMs(attempt))
      }
    }
  }
  const gathering = createGathering<Commit, void>(async (commits) => {
    const highest = new Map<string, Commit>()
    for (const commit of commits) {
      const key = keyOf(commit.at)
      const known = highest.get(key)?.nextOffset ?? committed.get(key) ?? -1
      if (commit.nextOffset > known) highest.set(key, commit)
    }
    if (highest.size > 0) await writeInTime(highest)
    for (const [key, { nextOffset }] of highest) committed.set(key, nextOffset)
    return commits.map(() => undefined)
  })
  return { commit: (at, nextOffset) => gathering.add({ at, nextOffset }) }
}
