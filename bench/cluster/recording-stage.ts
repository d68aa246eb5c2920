import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '#test/helpers/until.ts'
import { writeCorpus } from './corpus.ts'
import { createBucket, storedIn } from './object-store.ts'
import { type Options, say } from './options.ts'
import { type Cost, measureCost } from './process-cost.ts'
import { type Recorder, recorders } from './recorders.ts'
import { median, type Result, rounded } from './results.ts'
import { measureRounds, roundsOf, type Stage } from './rounds.ts'
import { removeIndices, type Session } from './session.ts'

const stage = 'recordings'
const limitMs = 10 * 60_000

type RecordingRun = {
  bytes: number
  seconds: number
  cost: Record<string, Cost>
  framingCpuSeconds: number
  objects: number
  storedBytes: number
}

const corpusBytes = ({ quick }: Options): number => (quick ? 96 : 384) * 1024 * 1024

const corpusOf = async ({ folder }: Session, bytes: number): Promise<string> => {
  const file = join(folder, 'corpus')
  if ((await stat(file).catch(() => null))?.size === bytes) return file
  say(`collecting ${bytes / 1024 / 1024} MiB of terminal output`)
  await writeCorpus(file, bytes)
  return file
}

const measure = async (session: Session, recorder: Recorder, bytes: number): Promise<RecordingRun> => {
  const corpus = await corpusOf(session, bytes)
  const place = await session.place({ ours: '', ecs: '' })
  const { engines, brokers, folder, name } = place
  await createBucket(engines, name)
  const running = await recorder.start(place, corpus)
  try {
    const { producer, topic, group, framingCpuSeconds, sessions } = running
    await until(() => brokers.isConsuming(group), { limitMs: 60_000, everyMs: 200, what: `${recorder.name} consuming` })
    const { kafka: broker, s3, elasticsearch } = engines
    const cost = await measureCost({ producer, broker, recorder: running.recorder, s3, elasticsearch })
    const startMs = performance.now()
    await running.go()
    const isStored = async () => (await running.hasProduced()) && (await brokers.lag(topic, group)) === 0
    await until(isStored, { limitMs, everyMs: 100, what: `${recorder.name}: all stored` })
    const seconds = (performance.now() - startMs) / 1000
    const used = await cost()
    const objects = await storedIn(engines, name)
    const sealed = objects.filter(({ key }) => key.includes('/manifest-')).length
    if (sealed !== sessions) throw new Error(`${sealed} of ${sessions} sessions are sealed`)
    const storedBytes = objects.reduce((sum, object) => sum + object.bytes, 0)
    return { bytes, seconds, cost: used, framingCpuSeconds, objects: objects.length, storedBytes }
  } finally {
    await running.producer.stop()
    await running.recorder.stop()
    await removeIndices(place).catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
}

const rowOf = (runs: Result<RecordingRun>[]) => {
  const of = (value: (run: RecordingRun) => number, digits = 2): number => rounded(median(runs.map(value)), digits)
  const per = (seconds: (run: RecordingRun) => number) => of((run) => (seconds(run) / run.bytes) * 1e8)
  const cpu = (part: string) => per(({ cost }) => cost[part]!.cpuSeconds)
  return {
    'MB/s': of(({ bytes, seconds }) => bytes / seconds / 1e6, 1),
    'CPU s per 100 MB: framing, zstd (agent)': per((run) => run.framingCpuSeconds),
    producer: cpu('producer'),
    broker: cpu('broker'),
    recorder: cpu('recorder'),
    store: cpu('s3'),
    Elasticsearch: cpu('elasticsearch'),
    'ours or bare, all of Node': per(
      ({ cost, framingCpuSeconds }) => framingCpuSeconds + cost.producer!.cpuSeconds + cost.recorder!.cpuSeconds,
    ),
    'peak MB: recorder': of(({ cost }) => cost.recorder!.peakMB, 0),
    'stored per byte': of((run) => run.storedBytes / run.bytes, 3),
    load: rounded(median(runs.map(({ load }) => load)), 1),
  }
}

/** Terminal output through the bus into sealed, locked evidence. */
export const recordingStage: Stage = {
  measure: (session, options) => {
    const size = corpusBytes(options)
    const contestants = recorders.map((recorder) => ({
      name: recorder.name,
      measure: () => measure(session, recorder, size),
    }))
    return measureRounds(session, options, { stage, size }, contestants)
  },
  print: (options) => {
    const all = [...roundsOf<RecordingRun>(options, stage, corpusBytes(options), recorders)]
    const measured = all.filter(([, runs]) => runs.length > 0)
    console.log(`Recordings, ${corpusBytes(options) / 1024 / 1024} MiB a run, median of ${options.rounds}:`)
    console.table(Object.fromEntries(measured.map(([name, runs]) => [name, rowOf(runs)])))
  },
}
