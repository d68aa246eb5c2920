import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askElastic } from './elastic-index.ts'
import { type Engines, startEngines } from './engines.ts'
import { type EventFiles, writeEvents } from './events.ts'
import { type BrokerView, openBrokers } from './kafka-admin.ts'
import { say } from './options.ts'
import type { RunPlace } from './pipeline.ts'

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
