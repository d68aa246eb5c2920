import { setTimeout as sleep } from 'node:timers/promises'
import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Consumer, RecordRun, SubscribeOptions, TopicPartition } from './bus.ts'
import { retryDelayMs } from './retry.ts'

const defaultRunBytes = 4 * 1024 * 1024
const groupName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** @throws BTZ_REQUEST_INVALID */
export const checkGroupName = (group: string): void => {
  if (groupName.test(group)) return
  throw new BartizanError('BTZ_REQUEST_INVALID', 'a group has a name of 1 to 100 letters, digits, ".", "_", "-"')
}

/** @throws BTZ_REQUEST_INVALID */
export const checkCommit = ({ topic, partition }: TopicPartition, nextOffset: number, end: number): void => {
  if (Number.isSafeInteger(nextOffset) && nextOffset >= 0 && nextOffset <= end) return
  throw new BartizanError('BTZ_REQUEST_INVALID', `${topic}/${partition} ends at ${end}: cannot commit ${nextOffset}`)
}

export type Member = Required<Pick<SubscribeOptions, 'group' | 'topics' | 'maxRunBytes'>> & {
  consumer: Consumer
  failed(error: unknown, run: RecordRun, attempt: number): void
}

/** Tells the member's onError, else the log. */
const failureTeller =
  ({ group, onError }: SubscribeOptions, log: Logger): Member['failed'] =>
  (error, run, attempt) => {
    const { topic, partition } = run
    if (!onError) log.warn({ err: error, group, topic, partition, attempt }, 'bus: a run failed and is tried again')
    try {
      onError?.(error, run, attempt)
    } catch (err) {
      log.error({ err, group, topic, partition }, 'bus: onError failed')
    }
  }

export const createMember = (options: SubscribeOptions, consumer: Consumer, log: Logger): Member => {
  const { group, topics, maxRunBytes = defaultRunBytes } = options
  return { group, topics, maxRunBytes, consumer, failed: failureTeller(options, log) }
}

export const notAssigned = ({ group }: Pick<Member, 'group'>, { topic, partition }: TopicPartition): BartizanError =>
  new BartizanError('BTZ_BUS_NOT_ASSIGNED', `${topic}/${partition} is not assigned to this member of ${group}`)

type Held = { at: TopicPartition; signal: AbortSignal }

/** Calls onAssigned until it succeeds, each time with what is not revoked yet. */
export const announce = async ({ consumer, failed }: Member, held: Held[]): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const kept = held.filter(({ signal }) => !signal.aborted)
    if (kept.length === 0) return
    try {
      return await consumer.onAssigned?.(kept.map(({ at }) => at))
    } catch (error) {
      for (const { at } of kept) failed(error, { ...at, records: [] }, attempt)
      const signal = AbortSignal.any(kept.map((one) => one.signal))
      await sleep(retryDelayMs(attempt), undefined, { signal }).catch(() => {})
    }
  }
}

/** Tells the member that the partitions are gone; what it fails with changes nothing. */
export const withdraw = async ({ consumer, group }: Member, lost: TopicPartition[], log: Logger): Promise<void> => {
  try {
    await consumer.onRevoked?.(lost)
  } catch (err) {
    log.error({ err, group }, 'bus: onRevoked failed')
  }
}
