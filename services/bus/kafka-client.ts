import { readFileSync } from 'node:fs'
import kafkajs, { type Cluster, type Kafka, type KafkaConfig, type LogEntry } from 'kafkajs'
import type { Config } from '../config.ts'
import { BartizanError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { mendConnections } from './kafka-connection.ts'
import { calmRequestQueues } from './kafka-request-queue.ts'
import { createSockets, type Sockets } from './kafka-sockets.ts'

export type KafkaSettings = Config['kafka']

/** A broker that does not answer within this is as good as down. */
export const requestTimeoutMs = 15_000
const quietMs = 10_000
const metadataMaxAgeMs = 60_000
/** About 20 s in all: a new leader is elected within some 10 s. */
export const retry = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 13 }

const readSetting = (file: string, name: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new BartizanError('BTZ_CONFIG_INVALID', `kafka.${name}: ${file} cannot be read`, { cause })
  }
}

const saslOf = ({ username, passwordFile }: KafkaSettings): KafkaConfig['sasl'] => {
  if (username === undefined) return undefined
  if (passwordFile === undefined) {
    throw new BartizanError('BTZ_CONFIG_INVALID', 'kafka.username is set, but kafka.passwordFile is not')
  }
  const password = readSetting(passwordFile, 'passwordFile').replace(/\r?\n$/, '')
  return { mechanism: 'scram-sha-512', username, password }
}

const sslOf = ({ tls }: KafkaSettings): KafkaConfig['ssl'] => {
  if (!tls.enabled) return false
  return tls.caFile === undefined ? true : { ca: [readSetting(tls.caFile, 'tls.caFile')] }
}

/**
 * What the library calls an error it mostly tries again, many times a second while a broker is away; what fails for good is
 * thrown, and said by who asked. Its connections tell every answer that is not a plain yes, also those of normal operation.
 */
const logTo = (log: Logger) => {
  let quietUntilMs = 0
  return ({ level, namespace, log: { message, error } }: LogEntry): void => {
    const nowMs = performance.now()
    const isTold = level === kafkajs.logLevel.ERROR && namespace !== 'Connection' && nowMs >= quietUntilMs
    if (isTold) quietUntilMs = nowMs + quietMs
    log[isTold ? 'warn' : 'debug']({ part: namespace, error }, `kafka: ${message}`)
  }
}

calmRequestQueues()
mendConnections()

const socketsOf = new WeakMap<Kafka, Sockets>()

/** @throws BTZ_CONFIG_INVALID */
export const createKafkaClient = (settings: KafkaSettings, log: Logger): Kafka => {
  const sockets = createSockets()
  const kafka = new kafkajs.Kafka({
    clientId: 'bartizan',
    brokers: settings.brokers,
    ssl: sslOf(settings),
    sasl: saslOf(settings),
    connectionTimeout: 5_000,
    authenticationTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry,
    socketFactory: sockets.open,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => logTo(log),
  })
  socketsOf.set(kafka, sockets)
  return kafka
}

/** After all that was made of it was disconnected. */
export const endKafkaClient = (kafka: Kafka): void => socketsOf.get(kafka)?.end()

/**
 * The library's connections, metadata and coordinators, without its consumer. That one rejoins its group while runs are
 * still being worked on, repeats a commit under the next generation, and lets one slow partition hold up all others of
 * the same broker. It hands its cluster to its assigners, which is the public way to it.
 */
export const clusterOf = (kafka: Kafka): Cluster => {
  let found: Cluster | undefined
  kafka.consumer({
    groupId: 'unused',
    allowAutoTopicCreation: false,
    metadataMaxAge: metadataMaxAgeMs,
    readUncommitted: true,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster
        return {
          name: 'unused',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: '', metadata: Buffer.alloc(0) }),
        }
      },
    ],
  })
  return found!
}

export const connectCluster = async (kafka: Kafka, topicNames: string[]): Promise<Cluster> => {
  const cluster = clusterOf(kafka)
  await cluster.connect()
  await cluster.addMultipleTargetTopics(topicNames)
  return cluster
}
