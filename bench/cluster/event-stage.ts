import { rm } from 'node:fs/promises'
import { rsyslogPeers } from '../peers/rsyslog.ts'
import { bartizanIndexer } from './bartizan.ts'
import { type EventRun, runEvents } from './event-run.ts'
import { say } from './options.ts'
import type { Pipeline } from './pipeline.ts'
import { median, type Result, rounded } from './results.ts'
import { measureRounds, roundsOf, type Stage } from './rounds.ts'
import { removeIndices, type Session } from './session.ts'

const stage = 'events'
const pipelines = [bartizanIndexer, ...rsyslogPeers]

const measure = async (session: Session, pipeline: Pipeline, events: number): Promise<EventRun> => {
  const place = await session.place(await session.eventFiles(events))
  try {
    const run = await runEvents(pipeline, place, events)
    if (run.lost > 0 || run.duplicated > 0) say(`${pipeline.name}: ${run.lost} lost, ${run.duplicated} twice`)
    await removeIndices(place)
    return run
  } finally {
    await rm(place.folder, { recursive: true, force: true })
  }
}

const rowOf = (runs: Result<EventRun>[]) => {
  const of = (value: (run: EventRun) => number, digits = 2): number => rounded(median(runs.map(value)), digits)
  const cpu = (part: string) => of(({ cost, events }) => (cost[part]!.cpuSeconds / events) * 100_000)
  return {
    'events/s': of(({ eventsPerSecond }) => eventsPerSecond, 0),
    'CPU s per 100 k: producer': cpu('producer'),
    broker: cpu('broker'),
    indexer: cpu('indexer'),
    Elasticsearch: cpu('elasticsearch'),
    'peak MB: indexer': of(({ cost }) => cost.indexer!.peakMB, 0),
    'bytes per document': of((run) => run.bytesPerDocument, 0),
    'lost, twice': `${runs.reduce((sum, { lost }) => sum + lost, 0)}, ${runs.reduce((sum, { duplicated }) => sum + duplicated, 0)}`,
    load: rounded(median(runs.map(({ load }) => load)), 1),
  }
}

export const eventStage: Stage = {
  measure: (session, options) =>
    measureRounds(
      session,
      options,
      { stage, size: options.events },
      pipelines.map((pipeline) => ({
        name: pipeline.name,
        measure: () => measure(session, pipeline, options.events),
      })),
    ),
  print: (options) => {
    const all = [...roundsOf<EventRun>(options, stage, options.events, pipelines)]
    const measured = all.filter(([, runs]) => runs.length > 0)
    console.log(`Events, ${options.events} a run, median of ${options.rounds}:`)
    console.table(Object.fromEntries(measured.map(([name, runs]) => [name, rowOf(runs)])))
  },
}
