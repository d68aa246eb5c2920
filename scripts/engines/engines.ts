import type { Services } from '#test/helpers/cluster.ts'
import type { Say } from './cache.ts'
import { prepareElasticsearch, startElasticsearch } from './elasticsearch.ts'
import type { Keep } from './engine-process.ts'
import { prepareKafka, startKafka } from './kafka.ts'
import { prepareVersitygw, startVersitygw } from './versitygw.ts'

export const engineNames = ['kafka', 's3', 'elasticsearch'] as const
export type EngineName = (typeof engineNames)[number]

type Options = { folder: string; say: Say; keep?: Keep }
type Started = { services: Partial<Services>; stop(): Promise<void> }
type Kind = {
  /** All that it makes in the folder it is given. */
  folder: string
  /** Installs it; throws with what is missing. */
  prepare(say: Say): Promise<unknown>
  start(options: Options): Promise<Started>
}

export const engines: Record<EngineName, Kind> = {
  kafka: {
    folder: 'kafka-1',
    prepare: prepareKafka,
    start: async (options) => {
      const { brokers, stop } = await startKafka({ ...options, brokers: 1 })
      return { services: { kafka: { brokers } }, stop }
    },
  },
  s3: {
    folder: 'versitygw',
    prepare: prepareVersitygw,
    start: async (options) => {
      const { processes, kill, restart, stop, ...s3 } = await startVersitygw(options)
      return { services: { s3 }, stop }
    },
  },
  elasticsearch: {
    folder: 'elasticsearch',
    prepare: prepareElasticsearch,
    start: async (options) => {
      const { url, stop } = await startElasticsearch(options)
      return { services: { elasticsearch: { url } }, stop }
    },
  },
}

const allOf = async <T>(promises: Promise<T>[]): Promise<{ values: T[]; reasons: string[] }> => {
  const outcomes = await Promise.allSettled(promises)
  return {
    values: outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
    reasons: outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as Error).message] : [])),
  }
}

const startOne = async (name: EngineName, options: Options): Promise<Started> => {
  const startedAt = Date.now()
  options.say(`${name}: starting`)
  const started = await engines[name].start(options)
  options.say(`${name}: ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
  return started
}

export type StartEngines = {
  folder: string
  say: Say
  /** See Keep: with it, the engines outlive this process. */
  keep?(name: EngineName): Keep
}

/** Installs what is not there yet and starts the engines, all or none. @throws with everything that is missing or failed */
export const startEngines = async (
  names: readonly EngineName[],
  { folder, say, keep }: StartEngines,
): Promise<Started> => {
  const { reasons: missing } = await allOf(names.map((name) => engines[name].prepare(say)))
  if (missing.length > 0) throw new Error([...new Set(missing)].join('\n'))
  const options = (name: EngineName): Options => ({ folder, say, ...(keep ? { keep: keep(name) } : {}) })
  const { values, reasons } = await allOf(names.map((name) => startOne(name, options(name))))
  const stop = async (): Promise<void> => void (await Promise.all(values.map((engine) => engine.stop())))
  if (reasons.length > 0) {
    await stop()
    throw new Error(reasons.join('\n'))
  }
  return { services: Object.assign({}, ...values.map(({ services }) => services)), stop }
}
