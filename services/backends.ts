import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createAgentKeys } from './access/agent-keys.ts'
import { loadIdentity } from './access/identity.ts'
import { createRoleKeys } from './access/role-keys.ts'
import type { StateImage } from './backup/state-image.ts'
import type { Bus } from './bus/bus.ts'
import { createLateProducer } from './bus/late-producer.ts'
import { createLogBus } from './bus/log-bus.ts'
import type { Catalog } from './catalog/catalog.ts'
import { createSqliteCatalog } from './catalog/sqlite-catalog.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { BartizanError } from './errors.ts'
import { createFileKeyStore } from './keys/file-key-store.ts'
import type { KeyStore } from './keys/key-store.ts'
import { obtainLogSigner } from './keys/log-key.ts'
import type { Logger } from './log.ts'
import { makeFolder } from './make-folder.ts'
import { createOriginCheck, type OriginCheck } from './origin/origin-check.ts'
import { agentTopics } from './origin/seal.ts'
import { createSigningBus } from './origin/signing-bus.ts'
import type { NoteSigner } from './proofs/note.ts'
import type { DisposalStore } from './recordings/disposal-store.ts'
import { createFileDisposalStore } from './recordings/file-disposal-store.ts'
import { createFileHoldStore } from './recordings/file-hold-store.ts'
import { createFileRecordingReader } from './recordings/file-recording-reader.ts'
import { createFileRecordingStore } from './recordings/file-recording-store.ts'
import type { HoldStore } from './recordings/hold-store.ts'
import type { RecordingReader, RecordingStore } from './recordings/recording-store.ts'
import { createSqliteStateStore } from './state/sqlite-state-store.ts'
import type { StateStore } from './state/state-store.ts'
import type { Views } from './views/views.ts'

/** What the stages talk through. This file alone chooses the adapters. */
export type Backends = {
  bus: Bus
  /** Null: nobody but this process can write to the bus. */
  origins: OriginCheck | null
  recordings: RecordingStore
  keys: KeyStore
  /** Signs the checkpoints of the transparency log. */
  logKey: NoteSigner
  catalog: Catalog
  /** Beside the catalog: erasing and expunging there is of these, too. */
  views: Views
  state: StateStore
  close(): Promise<void>
}
/** What the receiver alone needs: no keys, no evidence. */
export type ReceiverBackends = Pick<Backends, 'bus' | 'origins' | 'catalog' | 'state' | 'close'>
/** What an agent that produces by itself needs. */
export type AgentBus = Pick<Bus, 'produce' | 'maxRecordBytes' | 'close'>

type Closing = { close(): Promise<void> }

/** The bus first: what it delivers is written to the others. */
const closing = (bus: Closing, others: Closing[]) => async (): Promise<void> => {
  await bus.close()
  await Promise.all(others.map((other) => other.close()))
}

export const keysFolderOf = ({ keysFolder, data }: Config): string => keysFolder ?? join(data, 'keys')

const fileKeys = async (config: Config, clock: Clock) => {
  const folder = keysFolderOf(config)
  return { keys: await createFileKeyStore({ folder, clock }), logKey: await obtainLogSigner(folder) }
}

/** Everything on this machine, in one folder, without an outside service. */
export const embedded = async (config: Config, clock: Clock, log: Logger): Promise<Backends> => {
  const at = (...parts: string[]) => join(config.data, ...parts)
  const bus = await createLogBus({ folder: at('bus'), ...config.bus, clock, log })
  const recordings = await createFileRecordingStore({
    folder: config.data,
    immutable: config.recordings.immutable,
    log,
  })
  const { keys, logKey } = await fileKeys(config, clock)
  const state = await createSqliteStateStore({ file: at('state.db') })
  const { readers, queryTimeoutMs } = config.viewer
  const catalog = await createSqliteCatalog({ file: at('catalog.db'), readers, queryTimeoutMs, clock, log })
  const close = closing(bus, [recordings, keys, state, catalog])
  return { bus, origins: null, recordings, keys, logKey, catalog, views: catalog, state, close }
}

/** What this process writes is signed by it, and what it reads has to be signed: agents write to Kafka too. */
const withOrigins = async (bus: Bus, state: StateStore, { data }: Config, clock: Clock, log: Logger) => {
  const [agentKeys, roleKeys] = [createAgentKeys({ state, clock }), createRoleKeys({ state, clock })]
  await makeFolder(data)
  const identity = await loadIdentity(data, log)
  await roleKeys.register(identity)
  return {
    bus: createSigningBus(bus, { ...identity, kind: 'role', bastion: '' }),
    origins: createOriginCheck({ agentKeys, roleKeys, clock }),
  }
}

/** The bus alone, as it is: what is read from it may be anybody's. Makes topics that are missing, if it may. */
export const openClusterBus = async (config: Config, clock: Clock, log: Logger): Promise<Bus> => {
  const { createKafkaBus } = await import('./bus/kafka-bus.ts')
  const { retentionMs, maxRecordBytes } = config.bus
  return createKafkaBus({ config: config.kafka, retentionMs, maxRecordBytes, clock, log })
}

/** Kafka and Elasticsearch. Their clients are loaded only where they are used: an embedded start stays quick. */
const receiverCluster = async (config: Config, clock: Clock, log: Logger) => {
  const [{ createElasticCatalog }, { createElasticStateStore }] = await Promise.all([
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
  const kafka = await openClusterBus(config, clock, log)
  const { bus, origins } = await withOrigins(kafka, state, config, clock, log)
  return { bus, origins, catalog, views: catalog, state, close: closing(bus, [catalog, state]) }
}

/** Kafka, Object-Lock S3, Elasticsearch; keys in a folder that the processes share. */
export const cluster = async (config: Config, clock: Clock, log: Logger): Promise<Backends> => {
  const { createS3RecordingStore } = await import('./recordings/s3-recording-store.ts')
  const { maxRetentionYears } = config.recordings
  const recordings = await createS3RecordingStore({ config: config.s3, maxRetentionYears, clock, log })
  const { keys, logKey } = await fileKeys(config, clock)
  const { bus, origins, catalog, views, state } = await receiverCluster(config, clock, log)
  const close = closing(bus, [recordings, keys, state, catalog])
  return { bus, origins, recordings, keys, logKey, catalog, views, state, close }
}

export const openBackends = (config: Config, clock: Clock, log: Logger): Promise<Backends> =>
  config.backend === 'cluster' ? cluster(config, clock, log) : embedded(config, clock, log)

export const openReceiverBackends = (config: Config, clock: Clock, log: Logger): Promise<ReceiverBackends> =>
  config.backend === 'cluster' ? receiverCluster(config, clock, log) : embedded(config, clock, log)

/** Kafka for an agent, which may write its two topics and nothing else. Connects when something is produced. */
export const openAgentBus = ({ kafka, bus: { maxRecordBytes } }: Config, log: Logger): AgentBus =>
  createLateProducer(async () => {
    const { createKafkaProducer } = await import('./bus/kafka-producer.ts')
    return createKafkaProducer({ config: kafka, topics: agentTopics, maxRecordBytes, log })
  }, maxRecordBytes)

/** Of a relay: what it has for the receiver. Everything goes as soon as it was forwarded. */
export const openRelayBus = (folder: string, { relay, bus }: Config, clock: Clock, log: Logger): Promise<Bus> => {
  const { segmentBytes, maxRecordBytes } = bus
  return createLogBus({
    folder,
    partitions: relay.partitions,
    segmentBytes,
    maxRecordBytes,
    retentionMs: 0,
    clock,
    log,
  })
}

/** The same configuration with the credentials that this part of the store's work has, where it has its own. */
export const withStoreLogin = (config: Config, role: 'custodian' | 'disposer'): Config => {
  const { accessKeyId, secretAccessKeyFile } = config.s3[role]
  const isGiven = accessKeyId !== undefined || secretAccessKeyFile !== undefined
  return isGiven ? { ...config, s3: { ...config.s3, accessKeyId, secretAccessKeyFile } } : config
}

/** `recordings`: the store of the same evidence, with the same rights. */
export const openHoldStore = async (config: Config, recordings: RecordingStore, clock: Clock): Promise<HoldStore> => {
  const { immutable, maxRetentionYears } = config.recordings
  if (config.backend === 'embedded') return createFileHoldStore({ folder: config.data, immutable, recordings })
  const { createS3HoldStore } = await import('./recordings/s3-hold-store.ts')
  return createS3HoldStore({ config: config.s3, maxRetentionYears, clock })
}

/** For `bartizan dispose` alone. */
export const openDisposalStore = async (config: Config, clock: Clock): Promise<DisposalStore> => {
  if (config.backend === 'embedded') return createFileDisposalStore(config.data, clock)
  const { createS3DisposalStore } = await import('./recordings/s3-disposal-store.ts')
  return createS3DisposalStore(config.s3, clock)
}

/**
 * Evidence to be looked at while others write it: takes no lock, and makes nothing. `folder`: a copy of evidence; null:
 * where the configuration says. `onTampering`: the store holds something that was not put by us.
 */
export const openEvidence = async (
  config: Config,
  folder: string | null,
  clock: Clock,
  log: Logger,
  onTampering: (tampering: { key: string; detail: string }) => void,
): Promise<RecordingReader & { locks: boolean; close(): Promise<void> }> => {
  if (folder !== null || config.backend === 'embedded')
    return { ...createFileRecordingReader(folder ?? config.data), locks: false, close: async () => {} }
  const { openS3EvidenceReader } = await import('./recordings/s3-evidence-reader.ts')
  return { ...(await openS3EvidenceReader(config.s3, clock, log, onTampering)), locks: true }
}

/** Session keys that are there. @throws BTZ_KEY_NOT_FOUND without a folder of keys: none is made */
export const openPresentKeys = async (config: Config, clock: Clock): Promise<KeyStore> => {
  const folder = keysFolderOf(config)
  if (existsSync(join(folder, 'master.key'))) return createFileKeyStore({ folder, clock })
  throw new BartizanError('BTZ_KEY_NOT_FOUND', `${folder} holds no session keys`, {
    hint: 'name the folder with BARTIZAN_KEYS_FOLDER, or the data folder that it is in with --data',
  })
}

/** The state as a whole, for backup and restore. It need not be there. */
export const openStateImage = async (config: Config): Promise<StateImage> => {
  if (config.backend === 'embedded') {
    const { openSqliteStateImage } = await import('./backup/sqlite-state-image.ts')
    return openSqliteStateImage(join(config.data, 'state.db'))
  }
  const { openElasticStateImage } = await import('./backup/elastic-state-image.ts')
  return openElasticStateImage(config.elasticsearch)
}

/** The state that is there. @throws BTZ_NOT_FOUND where there is none: none is made */
export const openPresentState = async (config: Config, log: Logger): Promise<StateStore> => {
  if (config.backend === 'cluster') {
    const { createElasticStateStore } = await import('./state/elastic-state-store.ts')
    return createElasticStateStore({ config: config.elasticsearch, log })
  }
  const file = join(config.data, 'state.db')
  if (existsSync(file)) return createSqliteStateStore({ file })
  throw new BartizanError('BTZ_NOT_FOUND', `${config.data} holds no state.db, in which the keys of the agents stand`, {
    hint: 'name the data folder, or a copy of it, with --data',
  })
}
