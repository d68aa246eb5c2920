import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newClusterId } from '#services/bus/kafka-cluster-id.ts'
import { installed, type Say } from './cache.ts'
import { type Engine, startEngine } from './engine.ts'
import { accepts, type Keep } from './engine-process.ts'
import { freePorts } from './free-ports.ts'
import { findJava } from './java.ts'
import { kafka } from './kafka/install.ts'
import { makeKeyMaterial } from './kafka/key-material.ts'
import { type Credentials, type NodePorts, propertiesOf, type Security, scramOf } from './kafka/properties.ts'
import type { ProcessIdentity } from './process-identity.ts'
import { run } from './programs.ts'

export type KafkaOptions = {
  /** For settings, data and logs; the caller removes it after stop(). */
  folder: string
  /** Three: every topic has three copies, and two have to be written before a record is acknowledged. */
  brokers: 1 | 3
  /** sasl: SCRAM-SHA-512 and ACLs, where nothing is allowed that no ACL names; sasl-tls: that over TLS. Default none. */
  security?: Security
  /** Users beside the administrator (with SASL), who may do nothing until an ACL lets them. */
  users?: Credentials[]
  /** Of each broker. The default is small and starts fast; it is not meant to be measured. */
  javaOptions?: string[]
  keep?: Keep
  say?: Say
}

export type Kafka = {
  /** host:port of each node; node n is brokers[n - 1]. */
  brokers: string[]
  /** With SASL: a super user. */
  adminUser?: Credentials
  /** With TLS: PEM of the authority to trust. */
  caFile?: string
  /** Those that run now. */
  processes(): ProcessIdentity[]
  /** Resolves when the node has ended; with SIGSTOP and SIGCONT at once. */
  kill(node: number, signal: NodeJS.Signals): Promise<void>
  /** Starts a node that was killed, on the same port and data, and waits until it is ready. */
  restart(node: number): Promise<void>
  stop(): Promise<void>
}

const small = ['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const logging = fileURLToPath(new URL('kafka/log4j2.properties', import.meta.url))

type Cluster = { java: string; jars: string; options: KafkaOptions; ports: NodePorts[]; clusterId: string }

const nodeFolder = (folder: string, node: number): string => join(folder, `kafka-${node}`)
const settingsOf = (folder: string, node: number): string => join(nodeFolder(folder, node), 'server.properties')

const format = async (
  { java, jars, options, clusterId }: Cluster,
  node: number,
  users: Credentials[],
): Promise<void> => {
  const tool = [
    ...['-Xmx128m', '-XX:TieredStopAtLevel=1'],
    ...['-cp', `${jars}/*`, 'kafka.tools.StorageTool', 'format'],
  ]
  await run(java, [...tool, '-t', clusterId, '-c', settingsOf(options.folder, node), ...users.flatMap(scramOf)])
}

const startNode = ({ java, jars, options, ports }: Cluster, node: number): Promise<Engine> => {
  const { folder, javaOptions = small, keep } = options
  const log = [`-Dlog4j2.configurationFile=${logging}`, '-cp', `${jars}/*`]
  return startEngine({
    name: `Kafka's node ${node}`,
    command: java,
    args: [...javaOptions, ...log, 'kafka.Kafka', settingsOf(folder, node)],
    logFile: join(nodeFolder(folder, node), 'kafka.log'),
    ...(keep ? { keep } : {}),
    isReady: async (said) => said.includes('Kafka Server started') && accepts(ports[node - 1]!.client),
  })
}

const writeSettings = async ({ options, ports }: Cluster, admin: Credentials): Promise<string | undefined> => {
  const { folder, security = 'none' } = options
  const tls = security === 'sasl-tls' ? await makeKeyMaterial(folder) : null
  const { keyFile = '', caFile = '' } = tls ?? {}
  for (const [at] of ports.entries()) {
    const dataFolder = join(nodeFolder(folder, at + 1), 'data')
    await mkdir(dataFolder, { recursive: true })
    const properties = propertiesOf({ id: at + 1, ports, dataFolder, security, admin, keyFile, caFile })
    await writeFile(settingsOf(folder, at + 1), properties, { mode: 0o600 })
  }
  return tls?.caFile
}

/** Java and Kafka's jars, installed if they are not there yet. @throws with what to install when a program is missing */
export const prepareKafka = async (say: Say = () => {}): Promise<{ java: string; jars: string }> => {
  const { home } = await findJava('Kafka', 17)
  return { java: join(home, 'bin', 'java'), jars: await installed(kafka, say) }
}

const prepared = async (options: KafkaOptions): Promise<Cluster> => {
  const free = await freePorts(2 * options.brokers)
  const ports = Array.from({ length: options.brokers }, (_, at) => ({
    client: free[2 * at]!,
    controller: free[2 * at + 1]!,
  }))
  const clusterId = newClusterId()
  return { ...(await prepareKafka(options.say)), options, ports, clusterId }
}

const nodeOf = (nodes: Engine[], node: number): Engine => {
  const engine = nodes[node - 1]
  if (!engine) throw new Error(`there is no node ${node}: they are 1 to ${nodes.length}`)
  return engine
}

/** All of them, or none. */
const startAll = async (cluster: Cluster): Promise<Engine[]> => {
  const starts = await Promise.allSettled(cluster.ports.map((_, at) => startNode(cluster, at + 1)))
  const nodes = starts.filter((start) => start.status === 'fulfilled').map((start) => start.value)
  const failure = starts.find((start) => start.status === 'rejected')
  if (!failure) return nodes
  await Promise.all(nodes.map((node) => node.stop()))
  throw failure.reason
}

/** Starts real brokers on free ports of 127.0.0.1 and waits until they are ready. The first time downloads 44 MB. */
export const startKafka = async (options: KafkaOptions): Promise<Kafka> => {
  const cluster = await prepared(options)
  const secured = (options.security ?? 'none') !== 'none'
  const admin = { username: 'admin', password: randomBytes(16).toString('hex') }
  const caFile = await writeSettings(cluster, admin)
  for (const at of cluster.ports.keys()) await format(cluster, at + 1, secured ? [admin, ...(options.users ?? [])] : [])
  const nodes = await startAll(cluster)
  return {
    brokers: cluster.ports.map(({ client }) => `127.0.0.1:${client}`),
    ...(secured ? { adminUser: admin } : {}),
    ...(caFile ? { caFile } : {}),
    processes: () => nodes.flatMap((node) => node.processes()),
    kill: (node, signal) => nodeOf(nodes, node).kill(signal),
    restart: (node) => nodeOf(nodes, node).restart(),
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  }
}
