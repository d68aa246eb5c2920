import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installed } from './cache.ts'
import { accepts, startProcess } from './engine-process.ts'
import { freePorts } from './free-ports.ts'
import { findJava } from './java.ts'
import { kafka } from './kafka/install.ts'
import { makeKeyMaterial } from './kafka/key-material.ts'
import { type Credentials, type NodePorts, propertiesOf, type Security, scramOf } from './kafka/properties.ts'
import { ended, type ProcessIdentity, signalProcess, stopProcess } from './process-identity.ts'
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
  /** Default false: the brokers die with the thread that started them. */
  outlivesStarter?: boolean
  say?(line: string): void
}

export type Kafka = {
  /** host:port of each node; node n is brokers[n - 1]. */
  brokers: string[]
  /** With SASL: a super user. */
  adminUser?: Credentials
  /** With TLS: PEM of the authority to trust. */
  caFile?: string
  /** Running now, by node from 1 on. */
  processes: ReadonlyMap<number, ProcessIdentity>
  /** Resolves when the node has ended; with SIGSTOP and SIGCONT at once. */
  kill(node: number, signal: NodeJS.Signals): Promise<void>
  /** Starts a node that was killed, on the same port and data, and waits until it is ready. */
  restart(node: number): Promise<void>
  stop(): Promise<void>
}

const small = ['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const logging = fileURLToPath(new URL('kafka/log4j2.properties', import.meta.url))

type Cluster = { java: string; jars: string; options: KafkaOptions; nodes: NodePorts[]; clusterId: string }

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

const startNode = ({ java, jars, options, nodes }: Cluster, node: number): Promise<ProcessIdentity> => {
  const { folder, javaOptions = small, outlivesStarter = false } = options
  const log = [`-Dlog4j2.configurationFile=${logging}`, '-cp', `${jars}/*`]
  return startProcess({
    name: `Kafka's node ${node}`,
    command: java,
    args: [...javaOptions, ...log, 'kafka.Kafka', settingsOf(folder, node)],
    logFile: join(nodeFolder(folder, node), 'kafka.log'),
    outlivesStarter,
    isReady: async (said) => said.includes('Kafka Server started') && accepts(nodes[node - 1]!.client),
  })
}

const writeSettings = async ({ options, nodes }: Cluster, admin: Credentials): Promise<string | undefined> => {
  const { folder, security = 'none' } = options
  const tls = security === 'sasl-tls' ? await makeKeyMaterial(folder) : null
  const { keyFile = '', caFile = '' } = tls ?? {}
  for (const [at] of nodes.entries()) {
    const dataFolder = join(nodeFolder(folder, at + 1), 'data')
    await mkdir(dataFolder, { recursive: true })
    const properties = propertiesOf({ id: at + 1, nodes, dataFolder, security, admin, keyFile, caFile })
    await writeFile(settingsOf(folder, at + 1), properties, { mode: 0o600 })
  }
  return tls?.caFile
}

const prepared = async (options: KafkaOptions): Promise<Cluster> => {
  const { home } = await findJava('Kafka', 17)
  const jars = await installed(kafka, options.say ?? (() => {}))
  const ports = await freePorts(2 * options.brokers)
  const nodes = Array.from({ length: options.brokers }, (_, at) => ({
    client: ports[2 * at]!,
    controller: ports[2 * at + 1]!,
  }))
  const clusterId = randomBytes(16).toString('base64url')
  return { java: join(home, 'bin', 'java'), jars, options, nodes, clusterId }
}

const running = (
  cluster: Cluster,
  processes: Map<number, ProcessIdentity>,
): Pick<Kafka, 'kill' | 'restart' | 'stop'> => {
  const processOf = (node: number): ProcessIdentity => {
    const identity = processes.get(node)
    if (!identity) throw new Error(`Kafka's node ${node} does not run`)
    return identity
  }
  return {
    kill: async (node, signal) => {
      const identity = processOf(node)
      await signalProcess(identity, signal)
      if (signal === 'SIGSTOP' || signal === 'SIGCONT') return
      if (!(await ended(identity, 60_000))) throw new Error(`Kafka's node ${node} does not end`)
      processes.delete(node)
    },
    restart: async (node) => {
      if (processes.has(node)) throw new Error(`Kafka's node ${node} still runs`)
      processes.set(node, await startNode(cluster, node))
    },
    stop: async () => {
      await Promise.all([...processes.values()].map((identity) => stopProcess(identity)))
      processes.clear()
    },
  }
}

/** Starts real brokers on free ports of 127.0.0.1 and waits until they are ready. The first time downloads 44 MB. */
export const startKafka = async (options: KafkaOptions): Promise<Kafka> => {
  const cluster = await prepared(options)
  const secured = (options.security ?? 'none') !== 'none'
  const admin = { username: 'admin', password: randomBytes(16).toString('hex') }
  const caFile = await writeSettings(cluster, admin)
  const ids = cluster.nodes.map((_, at) => at + 1)
  for (const node of ids) await format(cluster, node, secured ? [admin, ...(options.users ?? [])] : [])
  const processes = new Map<number, ProcessIdentity>()
  const control = running(cluster, processes)
  const starts = ids.map(async (node) => processes.set(node, await startNode(cluster, node)))
  const failure = (await Promise.allSettled(starts)).find((start) => start.status === 'rejected')
  if (failure) {
    await control.stop()
    throw failure.reason
  }
  return {
    brokers: cluster.nodes.map(({ client }) => `127.0.0.1:${client}`),
    ...(secured ? { adminUser: admin } : {}),
    ...(caFile ? { caFile } : {}),
    processes,
    ...control,
  }
}
