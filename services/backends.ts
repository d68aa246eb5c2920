import { join } from 'node:path'
import type { Bus } from './bus/bus.ts'
import { createLogBus } from './bus/log-bus.ts'
import type { Catalog } from './catalog/catalog.ts'
import { createSqliteCatalog } from './catalog/sqlite-catalog.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Finding } from './finding.ts'
import { createFileKeyStore } from './keys/file-key-store.ts'
import type { KeyStore } from './keys/key-store.ts'
import type { Logger } from './log.ts'
import { createFileRecordingStore } from './recordings/file-recording-store.ts'
import type { RecordingStore } from './recordings/recording-store.ts'
import { createSqliteStateStore } from './state/sqlite-state-store.ts'
import type { StateStore } from './state/state-store.ts'

/** What the stages talk through. This file alone chooses the adapters. */
export type Backends = {
  bus: Bus
  recordings: RecordingStore
  keys: KeyStore
  catalog: Catalog
  state: StateStore
  close(): Promise<void>
}
/** What the receiver alone needs: no keys, no evidence. */
export type ReceiverBackends = Pick<Backends, 'bus' | 'catalog' | 'state' | 'close'>

type Closing = { close(): Promise<void> }

/** The bus first: what it delivers is written to the others. */
const closing = (bus: Closing, others: Closing[]) => async (): Promise<void> => {
  await bus.close()
  await Promise.all(others.map((other) => other.close()))
}

const fileKeys = ({ keysFolder, data }: Config, clock: Clock): Promise<KeyStore> =>
  createFileKeyStore({ folder: keysFolder ?? join(data, 'keys'), clock })

/** Everything on this machine, in one folder, without an outside service. */
export const embedded = async (config: Config, clock: Clock, log: Logger): Promise<Backends> => {
  const at = (...parts: string[]) => join(config.data, ...parts)
  const bus = await createLogBus({ folder: at('bus'), ...config.bus, clock, log })
  const recordings = await createFileRecordingStore({
    folder: config.data,
    immutable: config.recordings.immutable,
    log,
  })
  const keys = await fileKeys(config, clock)
  const state = await createSqliteStateStore({ file: at('state.db') })
  const { readers, queryTimeoutMs } = config.viewer
  const catalog = await createSqliteCatalog({ file: at('catalog.db'), readers, queryTimeoutMs, clock, log })
  return { bus, recordings, keys, catalog, state, close: closing(bus, [recordings, keys, state, catalog]) }
}

/** Kafka and Elasticsearch. Their clients are loaded only where they are used: an embedded start stays quick. */
const receiverCluster = async (config: Config, clock: Clock, log: Logger): Promise<ReceiverBackends> => {
  const [{ createKafkaBus }, { createElasticCatalog }, { createElasticStateStore }] = await Promise.all([
    import('./bus/kafka-bus.ts'),
    import('./catalog/elastic-catalog.ts'),
    import('./state/elastic-state-store.ts'),
  ])
  const { elasticsearch, viewer } = config
  const state = await createElasticStateStore({ config: elasticsearch, log })
  const catalog = await createElasticCatalog({
    config: elasticsearch,
    queryTimeoutMs: viewer.queryTimeoutMs,
    clock,
    log,
  })
  const { retentionMs, maxRecordBytes } = config.bus
  const bus = await createKafkaBus({ config: config.kafka, retentionMs, maxRecordBytes, clock, log })
  return { bus, catalog, state, close: closing(bus, [catalog, state]) }
}

/** Kafka, Object-Lock S3, Elasticsearch; keys in a folder that the processes share. */
export const cluster = async (config: Config, clock: Clock, log: Logger): Promise<Backends> => {
  const { createS3RecordingStore } = await import('./recordings/s3-recording-store.ts')
  const { maxRetentionYears } = config.recordings
  const recordings = await createS3RecordingStore({ config: config.s3, maxRetentionYears, clock, log })
  const keys = await fileKeys(config, clock)
  const { bus, catalog, state } = await receiverCluster(config, clock, log)
  return { bus, recordings, keys, catalog, state, close: closing(bus, [recordings, keys, state, catalog]) }
}

export const openBackends = (config: Config, clock: Clock, log: Logger): Promise<Backends> =>
  config.backend === 'cluster' ? cluster(config, clock, log) : embedded(config, clock, log)

export const openReceiverBackends = (config: Config, clock: Clock, log: Logger): Promise<ReceiverBackends> =>
  config.backend === 'cluster' ? receiverCluster(config, clock, log) : embedded(config, clock, log)

/** Makes topics, templates and bucket where they are missing; changes nothing that is there. For whoever administers them. */
export const setUpCluster = async (config: Config, log: Logger): Promise<void> => {
  const [{ setUpKafka }, { setUpElasticsearch }, { setUpBucket }] = await Promise.all([
    import('./bus/kafka-setup.ts'),
    import('./elastic/elastic-setup.ts'),
    import('./recordings/s3-bucket.ts'),
  ])
  const { retentionMs, maxRecordBytes } = config.bus
  await setUpKafka({ config: config.kafka, retentionMs, maxRecordBytes, log })
  await setUpElasticsearch(config.elasticsearch)
  await setUpBucket(config.s3)
}

/** What is wrong with the engines, as these credentials see them. Never throws. */
export const inspectCluster = async (config: Config, clock: Clock, log: Logger): Promise<Finding[]> => {
  const [{ inspectKafka }, { inspectElasticsearch }, { inspectS3 }] = await Promise.all([
    import('./bus/kafka-setup.ts'),
    import('./elastic/elastic-inspect.ts'),
    import('./recordings/s3-inspect.ts'),
  ])
  const { retentionMs, maxRecordBytes } = config.bus
  const found = await Promise.all([
    inspectKafka({ config: config.kafka, retentionMs, maxRecordBytes, log }),
    inspectElasticsearch(config.elasticsearch, clock),
    inspectS3(config.s3, clock),
  ])
  return found.flat()
}
