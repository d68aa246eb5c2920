import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { askElastic } from './elastic-index.ts'
import { type Engines, startEngines } from './engines.ts'
import { type EventFiles, writeEvents } from './events.ts'
import { type BrokerView, openBrokers } from './kafka-admin.ts'
import type { RunPlace } from './pipeline.ts'
import { openResults, type Result, type Results } from './results.ts'

export type Options = {
  quick: boolean
  isChosen(stage: string): boolean
  isContestant(pipeline: { name: string }): boolean
  rounds: number
  events: number
  results: Results
}

const usage = `  --quick          fewer events, bytes and rounds
  --only A,B       stages (or faults), each by a part of its name
  --contestants A  those who are measured, each by a part of its name
  --rounds N       measured rounds; one more before them is left out
  --events N       events of a run
  --results FILE   where JSON lines are added; what is in there already is not measured again
`

const among =
  (parts: string | undefined) =>
  (name: string): boolean =>
    parts === undefined || parts.split(',').some((part) => name.includes(part))

export const readOptions = async (
  bench: string,
  quick: { events: number; rounds: number },
  full: typeof quick,
): Promise<Options> => {
  const text = { type: 'string' } as const
  const known = {
    quick: { type: 'boolean' },
    only: text,
    contestants: text,
    rounds: text,
    events: text,
    results: text,
    help: { type: 'boolean' },
  } as const
  const { values } = parseArgs({ options: known })
  if (values.help) {
    process.stdout.write(`npm run bench -- ${bench} [OPTIONS]\n${usage}`)
    process.exit(0)
  }
  const defaults = values.quick ? quick : full
  const file = values.results ?? join(tmpdir(), `bartizan-bench-${bench}-${Date.now()}.jsonl`)
  return {
    quick: values.quick ?? false,
    isChosen: among(values.only),
    isContestant: ({ name }) => among(values.contestants)(name),
    rounds: Number(values.rounds ?? defaults.rounds),
    events: Number(values.events ?? defaults.events),
    results: await openResults(file),
  }
}

export const say = (line: string): void => {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`)
}

export type Session = {
  folder: string
  /** Started when they are first asked for. */
  engines(): Promise<Engines>
  /** For one run: names and a folder that no other has. */
  place(files: EventFiles): Promise<RunPlace>
  /** Written when first asked for. */
  eventFiles(count: number): Promise<EventFiles>
  /** After a failure: the next run gets new ones. */
  discardEngines(): Promise<void>
}

/** Removes what the runs wrote; of it only the figures are kept. */
const withFolder = async (act: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'bartizan-bench-'))
  await chmod(folder, 0o711) // Elasticsearch runs as nobody
  try {
    await act(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Runs `act` with engines of its own and stops everything it started, also on SIGINT and SIGTERM. */
export const withSession = (act: (session: Session) => Promise<void>): Promise<void> =>
  withFolder(async (folder) => {
    let current: { engines: Engines; brokers: BrokerView } | null = null
    let [sets, runs] = [0, 0]
    const open = async () => {
      const engines = await startEngines(join(folder, `engines-${sets++}`), say)
      current = { engines, brokers: await openBrokers(engines.kafka.brokers) }
      return current
    }
    const discardEngines = async (): Promise<void> => {
      const last = current
      current = null
      await last?.brokers.close().catch(() => {})
      await last?.engines.stop()
    }
    const written = new Map<number, Promise<EventFiles>>()
    const write = async (count: number): Promise<EventFiles> => {
      say(`writing ${count} events`)
      const files = { ours: join(folder, `events-${count}.ndjson`), ecs: join(folder, `ecs-${count}.ndjson`) }
      await writeEvents(files, count)
      return files
    }
    const stop = () =>
      void discardEngines().finally(() => rm(folder, { recursive: true, force: true }).finally(() => process.exit(130)))
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
    try {
      await act({
        folder,
        engines: async () => (current ?? (await open())).engines,
        place: async (files) => {
          const name = `run-${runs++}-${Date.now().toString(36)}`
          return { ...(current ?? (await open())), folder: join(folder, name), name, files }
        },
        eventFiles: (count) => {
          const files = written.get(count) ?? write(count)
          written.set(count, files)
          return files
        },
        discardEngines,
      })
    } finally {
      await discardEngines()
    }
  })

/** What a run left in Elasticsearch, so that its merges do not burden the next one. */
export const removeIndices = async ({ engines, name }: RunPlace): Promise<void> => {
  const { url } = engines.elasticsearch
  const indices = (await askElastic(url, 'GET', `/_cat/indices/${name}*?format=json&h=index`)) as { index: string }[]
  for (const { index } of indices) await askElastic(url, 'DELETE', `/${index}`)
}

export type Stage = { measure(session: Session, options: Options): Promise<void>; print(options: Options): void }
export type Contestant = { name: string; measure(): Promise<object> }

const attempt = async (session: Session, what: string, act: () => Promise<unknown>): Promise<boolean> => {
  say(what)
  try {
    await act()
    return true
  } catch (error) {
    process.exitCode = 1
    say(`${what}: failed: ${(error as Error).message}`)
    await session.discardEngines()
    return false
  }
}

/**
 * Rounds in which each contestant has its turn. On engines that were just started a round of all comes first that
 * is not counted: their code is not compiled yet.
 */
export const measureRounds = async (
  session: Session,
  { rounds, results, isContestant }: Options,
  { stage, size }: { stage: string; size: number },
  all: Contestant[],
): Promise<void> => {
  const contestants = all.filter(isContestant)
  let isWarm = false
  const warmUp = async (): Promise<void> => {
    isWarm = true
    for (const { name, measure } of contestants) await attempt(session, `${stage}, warm-up: ${name}`, measure)
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { name: pipeline, measure } of contestants) {
      const key = { stage, pipeline, round: `${round}`, size }
      if (results.find(key)) continue
      if (!isWarm) await warmUp()
      const record = async () => results.add(key, await measure())
      isWarm = await attempt(session, `${stage}, round ${round} of ${rounds}: ${pipeline}`, record)
    }
  }
}

/** All rounds of each contestant, for the table. */
export const roundsOf = <T extends object>(
  { rounds, results }: Options,
  stage: string,
  size: number,
  contestants: readonly { name: string }[],
): Map<string, Result<T>[]> => {
  const numbers = Array.from({ length: rounds }, (_, n) => `${n + 1}`)
  const of = (pipeline: string) =>
    numbers.map((round) => results.find({ stage, pipeline, round, size })).filter((found) => found !== undefined)
  return new Map(contestants.map(({ name }) => [name, of(name) as Result<T>[]]))
}
