import { link, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clusterEnv } from '#test/helpers/cluster-product.ts'
import { type Engine, startEngine } from '../../scripts/engines/engine.ts'
import { sequenceOfId } from './events.ts'
import type { Pipeline, RunPlace } from './pipeline.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Settings of the product on the engines of a run. */
export const productEnv = async ({ engines, folder, name }: RunPlace): Promise<Record<string, string>> => {
  const { kafka, s3, elasticsearch } = engines
  return {
    ...(await clusterEnv(folder, { kafka, s3, elasticsearch })),
    BARTIZAN_DATA: join(folder, 'data'),
    BARTIZAN_LOG_LEVEL: 'warn',
    BARTIZAN_KAFKA_TOPIC_PREFIX: `${name}-`,
    BARTIZAN_ELASTICSEARCH_INDEX_PREFIX: name,
  }
}

/** A script of the bench or the product's own command line, as a process. */
export const startNode = async (
  { folder }: RunPlace,
  name: string,
  args: string[],
  env: Record<string, string>,
  ready = 'ready',
): Promise<Engine> => {
  await mkdir(folder, { recursive: true })
  const logFile = join(folder, `${name}.log`)
  return startEngine({
    name,
    command: process.execPath,
    args,
    env,
    logFile,
    isReady: async (said) => said.includes(ready),
  })
}

export const childScript = (name: string): string => here(`children/${name}.ts`)

/** Its own data folder: its own identity. */
export const producerEnv = (env: Record<string, string>): Record<string, string> => ({
  ...env,
  BARTIZAN_DATA: `${env.BARTIZAN_DATA}-producer`,
})

const createPipeline = (startIndexer: (place: RunPlace, env: Record<string, string>) => Promise<Engine>): Pipeline => ({
  name: 'bartizan',
  start: async (place) => {
    const { folder, name } = place
    const env = await productEnv(place)
    const indexer = await startIndexer(place, env)
    const input = join(folder, 'events.ndjson')
    const producer = await startNode(place, 'producer', [childScript('produce-events'), input], producerEnv(env))
    return {
      topic: `${name}-session-events`,
      group: `${name}-indexer`,
      index: `${name}-events-*`,
      numbering: { ofId: sequenceOfId },
      producer,
      indexer,
      go: () => link(place.files.ours, input),
      complaints: async () => {
        const logs = ['indexer', 'producer'].map((part) => readFile(join(folder, `${part}.log`), 'utf8'))
        return (await Promise.all(logs)).map((text) => text.slice(0, 1000)).join('\n')
      },
      stop: async () => {
        await producer.stop()
        await indexer.stop()
      },
    }
  },
})

/** Its indexer alone, to be compared with the peer's. */
export const bartizanIndexer = createPipeline((place, env) =>
  startNode(place, 'indexer', [childScript('index-events')], env),
)

/** The whole ingest role, as it is run in a cluster: evidence and index. */
export const bartizanIngest = createPipeline((place, env) =>
  startNode(
    place,
    'indexer',
    [here('../../cli/bartizan.ts'), 'ingest'],
    { ...env, BARTIZAN_HTTP_PORT: '0' },
    'is ready',
  ),
)
