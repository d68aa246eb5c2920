import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Bus, BusRecord, GroupLag, Topic, TopicPartition } from './bus.ts'
import { createFollows } from './follows.ts'
import { holdPartition } from './held-partition.ts'
import { type OpenLog, openLog } from './open-log.ts'
import { createProduce } from './produce.ts'
import { encodeFrame, whole } from './record-codec.ts'
import { createSweep } from './retention-sweep.ts'
import { createRunning } from './running.ts'
import { createSubscriptions } from './subscriptions.ts'

const sweepEveryMs = 60_000
const readChunkBytes = 1024 * 1024

export type LogBusOptions = {
  folder: string // of one process at a time
  partitions: number // of topics made from now on
  segmentBytes: number
  retentionMs: number
  maxRecordBytes: number // of key, headers and value together
  clock: Clock
  log: Logger
}

const readRecords = async (open: OpenLog, at: TopicPartition, offset: number, limit: number): Promise<BusRecord[]> => {
  const { topic, partition, log } = open.at(at)
  const records: BusRecord[] = []
  let next = offset
  while (records.length < limit) {
    const more = await log.read(next, readChunkBytes)
    if (more.length === 0) break
    const rest = more.flatMap((record) => whole({ topic, partition }, record))
    records.push(...rest.slice(0, limit - records.length))
    next = more.at(-1)!.offset + 1
  }
  return records
}

const readLag = ({ commits, partitions }: OpenLog): GroupLag[] =>
  partitions.flatMap(({ topic, partition, log }) =>
    commits
      .groups()
      .filter((group) => commits.has(group, { topic, partition }))
      .map((group) => {
        const committed = commits.durablyCommitted(group, { topic, partition })
        return { group, topic, partition, committed, end: log.endOffset }
      }),
  )

const eraseRecords = async (
  { partitions }: OpenLog,
  topics: readonly Topic[],
  mentions: string,
  matches: (record: BusRecord) => boolean,
): Promise<number> => {
  let count = 0
  for (const { topic, partition, log } of partitions.filter((at) => topics.includes(at.topic)))
    count += await log.erase({ mentions, matches: (record) => matches({ topic, partition, ...record }) })
  return count
}

/**
 * The bus inside one process: append-only files in one folder, synced before they are acknowledged.
 * @throws BTZ_BUS_CORRUPT when it is damaged otherwise than by a crash while writing
 */
export const createLogBus = async (options: LogBusOptions): Promise<Bus> => {
  const { maxRecordBytes, log } = options
  const running = createRunning()
  const { whileOpen } = running
  const sweep = createSweep(options)
  const open = await openLog(options, (at) => void running.add(sweep(open.commits, at)))
  const sweepAll = () => Promise.all(open.partitions.map((at) => sweep(open.commits, at)))
  await sweepAll()
  const sweeping = setInterval(() => void running.add(sweepAll()), sweepEveryMs).unref()
  const produce = createProduce({
    partitionCount: open.partitionCount,
    maxRecordBytes,
    append: async (at, records) => {
      const firstOffset = await open.at(at).log.append(records.map(encodeFrame))
      return records.map((_, count) => firstOffset + count)
    },
  })
  const subscriptions = createSubscriptions(open, log)
  const follows = createFollows(
    async (at, offset, member) =>
      holdPartition({ at, log: open.at(at).log, member, committed: () => offset }, Promise.resolve()),
    log,
  )
  let closing: Promise<void> | undefined

  const close = async (): Promise<void> => {
    clearInterval(sweeping)
    await Promise.all([subscriptions.closeAll(), follows.closeAll()])
    // Until here members that still work on a run may produce and commit.
    await running.shut()
    // A call that was on its way joined meanwhile.
    await Promise.all([subscriptions.closeAll(), follows.closeAll()])
    await Promise.all(open.partitions.map((at) => at.log.close()))
  }

  return {
    id: open.id,
    maxRecordBytes,
    partitions: open.partitionCount,
    produce: (records) => whileOpen(() => produce(records)),
    async subscribe(subscribing, consumer) {
      const { commit, close } = await whileOpen(() => subscriptions.subscribe(subscribing, consumer))
      return { commit: (at, nextOffset) => whileOpen(() => commit(at, nextOffset)), close }
    },
    read: (at, offset, limit) => whileOpen(() => readRecords(open, at, offset, limit)),
    erase: (topics, mentions, matches) => whileOpen(() => eraseRecords(open, topics, mentions, matches)),
    lag: async () => readLag(open),
    committed: async (group, { topic, partition }) => {
      open.at({ topic, partition })
      return open.commits.has(group, { topic, partition })
        ? open.commits.durablyCommitted(group, { topic, partition })
        : null
    },
    follow: (at, offset, onRecords) => whileOpen(() => follows.follow(at, offset, onRecords)),
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
