import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../log.ts'
import type { Topic, TopicPartition } from './bus.ts'
import { assignGroup, decodeAssignment, encodeSubscription, protocolName } from './kafka-assignment.ts'
import type { Coordination } from './kafka-coordinator.ts'
import { answerOf, busError } from './kafka-errors.ts'
import { retryDelayMs } from './retry.ts'

/** Longer than the 10 s within which a run calls its heartbeat. */
const sessionTimeoutMs = 15_000
/** How soon a member learns that others came or went. */
const heartbeatMs = 500
/** What members get to end their runs when partitions move. */
const rebalanceTimeoutMs = 60_000

export type Generation = { id: number; memberId: string; partitions: TopicPartition[] }
/** Why a generation ended: others joined or left; it was put out of the group; or the group was not heard of for too long. */
type Ending = 'rebalance' | 'fenced' | 'silence'

export type MembershipOptions = {
  groupId: string
  topics: Topic[]
  partitionCount(topic: Topic): number
  coordination: Coordination
  /** Begins the work of a generation; what it returns ends it, and is awaited before this member joins again. */
  hold(generation: Generation): Promise<() => Promise<void>>
  log: Logger
}

const fencing = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']
export const isFencing = (error: unknown): boolean => fencing.includes(answerOf(error) ?? '')

/** `member` keeps its name even when the rest fails: a nameless one is waited for by all others until it times out. */
const join = async (options: MembershipOptions, member: { id: string }): Promise<Generation> => {
  const { groupId, topics, partitionCount, coordination } = options
  const groupProtocols = [{ name: protocolName, metadata: encodeSubscription(topics) }]
  const timeouts = { sessionTimeout: sessionTimeoutMs, rebalanceTimeout: rebalanceTimeoutMs }
  const joined = await coordination((one) =>
    one.joinGroup({ groupId, ...timeouts, memberId: member.id, groupProtocols }),
  )
  const { generationId, memberId } = joined
  member.id = memberId
  const groupAssignment = joined.leaderId === memberId ? assignGroup(joined.members, partitionCount) : []
  const { memberAssignment } = await coordination((one) =>
    one.syncGroup({ groupId, generationId, memberId, groupAssignment }),
  )
  return { id: generationId, memberId, partitions: decodeAssignment(memberAssignment, topics, partitionCount) }
}

/** Keeps the membership alive until stopped, also while runs are being ended. */
const startHeartbeats = ({ groupId, coordination, log }: MembershipOptions, { id, memberId }: Generation) => {
  const ended = Promise.withResolvers<Ending>()
  const stopping = new AbortController()
  const { signal } = stopping
  let heardAtMs = performance.now()

  const beat = async (): Promise<void> => {
    try {
      await coordination((one) => one.heartbeat({ groupId, groupGenerationId: id, memberId }))
      heardAtMs = performance.now()
    } catch (err) {
      if (isFencing(err)) ended.resolve('fenced')
      else if (answerOf(err) === 'REBALANCE_IN_PROGRESS') {
        heardAtMs = performance.now()
        ended.resolve('rebalance')
      } else log.debug({ err, groupId }, 'kafka: a heartbeat failed')
    }
    if (performance.now() - heardAtMs > sessionTimeoutMs) ended.resolve('silence')
  }
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(heartbeatMs, undefined, { signal }).catch(() => {})
      if (!signal.aborted) await beat()
    }
  }
  const running = run()
  return {
    ended: ended.promise,
    stop: async (): Promise<void> => {
      stopping.abort()
      await running
    },
  }
}

const aborting = (signal: AbortSignal): Promise<'closed'> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('closed')
    else signal.addEventListener('abort', () => resolve('closed'), { once: true })
  })

/** One generation, from its assignment until it has ended and nothing of it runs any more. */
const serve = async (
  options: MembershipOptions,
  generation: Generation,
  signal: AbortSignal,
): Promise<Ending | 'closed'> => {
  const heartbeats = startHeartbeats(options, generation)
  try {
    const release = await options.hold(generation)
    try {
      return await Promise.race([heartbeats.ended, aborting(signal)])
    } finally {
      await release()
    }
  } finally {
    await heartbeats.stop()
  }
}

/** A member of a classic consumer group, until `signal` aborts; resolves when it has left. */
export const runMembership = async (options: MembershipOptions, signal: AbortSignal): Promise<void> => {
  const { groupId, coordination, log } = options
  const member = { id: '' }
  for (let attempt = 0; !signal.aborted; ) {
    try {
      const generation = await join(options, member)
      attempt = 0
      if (signal.aborted) break
      const ending = await serve(options, generation, signal)
      log.debug({ groupId, ending, generation: generation.id }, 'kafka: a generation of the group ended')
    } catch (err) {
      if (isFencing(err)) member.id = answerOf(err) === 'ILLEGAL_GENERATION' ? member.id : ''
      else if (answerOf(err) !== 'REBALANCE_IN_PROGRESS')
        log.warn({ err: busError(err, `joining group ${groupId}`) }, 'kafka: not in the group, tried again')
      await sleep(retryDelayMs(++attempt), undefined, { signal }).catch(() => {})
    }
  }
  if (member.id === '') return
  await coordination((one) => one.leaveGroup({ groupId, memberId: member.id })).catch((err: unknown) => {
    log.debug({ err, groupId }, 'kafka: left without a word: the group notices by itself')
  })
}
