import { setTimeout as wait } from 'node:timers/promises'
import { until } from '#test/helpers/until.ts'
import { searchableCount, type Tally, tallySequences } from './elastic-index.ts'
import { say } from './options.ts'
import type { Pipeline, RunningPipeline, RunPlace } from './pipeline.ts'

export const faults = ['elasticsearch stop', 'elasticsearch kill -9', 'indexer kill -9', 'broker kill -9'] as const
export type Fault = (typeof faults)[number]

export type FaultRun = {
  events: number
  /** When it happened: records in the topic, and documents found. */
  producedBefore: number
  searchableBefore: number
  /** Afterwards: what is not in the topic never left the producer, what is uncommitted may still come. */
  producedAfter: number
  lagAfter: number
  seconds: number
  complaints: string
} & Tally

const share = 0.4
const downMs = 3_000
const runLimitMs = 15 * 60_000
// A member that was killed holds its partitions until its session ends: 45 s in librdkafka, by default.
const stillMs = 120_000
const settledMs = 15_000

/** Null: it does not answer now. */
const asked = (question: Promise<number>): Promise<number | null> => question.catch(() => null)

const strike = async (fault: Fault, { engines }: RunPlace, { indexer }: RunningPipeline): Promise<void> => {
  const { kafka, elasticsearch } = engines
  const targets: Record<Fault, { down(): Promise<void>; up(): Promise<void> }> = {
    'elasticsearch stop': { down: () => elasticsearch.kill('SIGTERM'), up: elasticsearch.restart },
    'elasticsearch kill -9': { down: () => elasticsearch.kill('SIGKILL'), up: elasticsearch.restart },
    'indexer kill -9': { down: () => indexer.kill('SIGKILL'), up: indexer.restart },
    'broker kill -9': { down: () => kafka.kill(1, 'SIGKILL'), up: () => kafka.restart(1) },
  }
  await targets[fault].down()
  await wait(downMs)
  await targets[fault].up()
}

/** Until nothing more comes: all is committed and the count stands, or it has stood for long. */
const untilSettled = async (place: RunPlace, running: RunningPipeline, events: number): Promise<void> => {
  const startMs = performance.now()
  let last = { count: -1, atMs: startMs }
  for (;;) {
    const count = await asked(searchableCount(place.engines.elasticsearch.url, running.index))
    const produced = await asked(place.brokers.producedCount(running.topic))
    const lag = await asked(place.brokers.lag(running.topic, running.group))
    const nowMs = performance.now()
    if (count !== null && count !== last.count) last = { count, atMs: nowMs }
    const quietMs = nowMs - last.atMs
    if (lag === 0 && produced !== null && produced >= events && quietMs > settledMs) return
    if (quietMs > stillMs || nowMs - startMs > runLimitMs) return
    await wait(500)
  }
}

/** Where to strike: in the middle of producing for the broker, in the middle of indexing for all else. */
const progressOf = (fault: Fault, place: RunPlace, { topic, index }: RunningPipeline): Promise<number | null> =>
  asked(
    fault === 'broker kill -9'
      ? place.brokers.producedCount(topic)
      : searchableCount(place.engines.elasticsearch.url, index),
  )

/** One pipeline, once, with a fault in the middle: what is missing afterwards, and what is there more than once. */
export const runFault = async (
  pipeline: Pipeline,
  fault: Fault,
  place: RunPlace,
  events: number,
): Promise<FaultRun> => {
  const { url } = place.engines.elasticsearch
  const running = await pipeline.start(place)
  try {
    await until(() => place.brokers.isConsuming(running.group), {
      limitMs: 60_000,
      everyMs: 200,
      what: `${pipeline.name} consuming`,
    })
    const startMs = performance.now()
    await running.go()
    const reached = async () => ((await progressOf(fault, place, running)) ?? 0) >= events * share
    await until(reached, { limitMs: runLimitMs, everyMs: 20, what: `${pipeline.name}: ${share * 100} %` })
    const producedBefore = await place.brokers.producedCount(running.topic)
    const searchableBefore = await searchableCount(url, running.index)
    say(`  ${fault} at ${searchableBefore} found of ${producedBefore} produced`)
    await strike(fault, place, running)
    say('  it is back')
    await untilSettled(place, running, events)
    say('  settled')
    const seconds = (performance.now() - startMs) / 1000
    const tally = await tallySequences(url, running.index, running.numbering, events)
    const producedAfter = await place.brokers.producedCount(running.topic)
    const lagAfter = await place.brokers.lag(running.topic, running.group)
    const complaints = await running.complaints()
    return { events, producedBefore, searchableBefore, producedAfter, lagAfter, seconds, complaints, ...tally }
  } finally {
    await running.stop()
  }
}
