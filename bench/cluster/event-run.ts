import { setTimeout as wait } from 'node:timers/promises'
import { until } from '#test/helpers/until.ts'
import { bytesPerDocument, indexedCount, searchableCount, type Tally, tallySequences } from './elastic-index.ts'
import type { Pipeline, RunningPipeline, RunPlace } from './pipeline.ts'
import { type Cost, measureCost } from './process-cost.ts'

export type EventRun = {
  events: number
  seconds: number
  eventsPerSecond: number
  cost: Record<string, Cost>
  bytesPerDocument: number
} & Tally

const runLimitMs = 15 * 60_000
const stillMs = 60_000 // without a fault nothing makes a pipeline pause for so long

/** Until all are found by a search, or nothing moves any more. @returns ms from `startMs` to the last that came */
const untilSearchable = async (
  url: string,
  { index }: RunningPipeline,
  events: number,
  startMs: number,
): Promise<number> => {
  let last = { count: 0, atMs: performance.now() }
  for (;;) {
    const indexed = await indexedCount(url, index)
    const nowMs = performance.now()
    if (indexed >= events && (await searchableCount(url, index)) >= events) return performance.now() - startMs
    if (indexed > last.count) last = { count: indexed, atMs: nowMs }
    if (nowMs - last.atMs > stillMs || nowMs - startMs > runLimitMs) return last.atMs - startMs
    await wait(100)
  }
}

/** One pipeline, once, without a fault: from the file to the last event found. */
export const runEvents = async (pipeline: Pipeline, place: RunPlace, events: number): Promise<EventRun> => {
  const { engines, brokers } = place
  const { url } = engines.elasticsearch
  const running = await pipeline.start(place)
  try {
    await until(() => brokers.isConsuming(running.group), {
      limitMs: 60_000,
      everyMs: 200,
      what: `${pipeline.name} consuming`,
    })
    const { producer, indexer } = running
    const cost = await measureCost({ producer, broker: engines.kafka, indexer, elasticsearch: engines.elasticsearch })
    const startMs = performance.now()
    await running.go()
    const tookMs = await untilSearchable(url, running, events, startMs)
    const used = await cost()
    const tally = await tallySequences(url, running.index, running.numbering, events)
    return {
      events,
      seconds: tookMs / 1000,
      eventsPerSecond: Math.round((tally.documents / tookMs) * 1000),
      cost: used,
      bytesPerDocument: await bytesPerDocument(url, running.index),
      ...tally,
    }
  } finally {
    await running.stop()
  }
}
