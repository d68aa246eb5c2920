import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startProduct } from '#test/helpers/running.ts'
import { productEnv } from './bartizan.ts'
import { createBucket } from './object-store.ts'
import type { Options } from './options.ts'
import type { RunPlace } from './pipeline.ts'
import { median, type Result, rounded } from './results.ts'
import { measureRounds, roundsOf, type Stage } from './rounds.ts'
import { removeIndices, type Session } from './session.ts'
import { at, typedUntilFound } from './typed-until-found.ts'

const stage = 'searchable'
const linesOf = ({ quick }: Options): number => (quick ? 30 : 200)

type SearchableRun = { p50Ms: number; p99Ms: number; maxMs: number }

type Form = { name: string; env(place: RunPlace): Promise<Record<string, string>> }

const forms: Form[] = [
  {
    name: 'bartizan, cluster',
    env: async (place) => {
      await createBucket(place.engines, place.name)
      return { ...(await productEnv(place)), BARTIZAN_S3_BUCKET: place.name }
    },
  },
  { name: 'bartizan, embedded', env: async () => ({ BARTIZAN_LOG_LEVEL: 'warn' }) },
]

const measure = async (session: Session, form: Form, lines: number): Promise<SearchableRun> => {
  const place = await session.place({ ours: '', ecs: '' })
  const data = join(place.folder, 'data')
  await mkdir(data, { recursive: true })
  const { BARTIZAN_DATA: _, ...env } = await form.env(place)
  const undo: (() => unknown)[] = []
  try {
    const product = await startProduct({ teardown: (run) => undo.push(run) }, { data, env })
    const tookMs = await typedUntilFound(product, lines)
    await product.stop()
    return { p50Ms: at(tookMs, 0.5), p99Ms: at(tookMs, 0.99), maxMs: Math.round(tookMs.at(-1)!) }
  } finally {
    for (const run of undo) await run()
    await removeIndices(place).catch(() => {})
    await rm(place.folder, { recursive: true, force: true })
  }
}

const rowOf = (runs: Result<SearchableRun>[]) => {
  const of = (value: (run: Result<SearchableRun>) => number): number => rounded(median(runs.map(value)), 1)
  return {
    'p50 ms': of((run) => run.p50Ms),
    'p99 ms': of((run) => run.p99Ms),
    'longest ms': of((run) => run.maxMs),
    load: of((run) => run.load),
  }
}

/** From Enter to the line found over HTTP, through the whole product. */
export const searchableStage: Stage = {
  measure: (session, options) => {
    const size = linesOf(options)
    const contestants = forms.map((form) => ({ name: form.name, measure: () => measure(session, form, size) }))
    return measureRounds(session, options, { stage, size }, contestants)
  },
  print: (options) => {
    const all = [...roundsOf<SearchableRun>(options, stage, linesOf(options), forms)]
    const measured = all.filter(([, runs]) => runs.length > 0)
    console.log(`Enter to found, ${linesOf(options)} lines a run, median of ${options.rounds}:`)
    console.table(Object.fromEntries(measured.map(([name, runs]) => [name, rowOf(runs)])))
  },
}
