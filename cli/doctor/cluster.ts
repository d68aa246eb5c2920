import { connect } from 'node:net'
import { inspectCluster } from '#services/cluster-setup.ts'
import type { Config } from '#services/config.ts'
import type { Finding } from '#services/finding.ts'
import { createLogger } from '#services/log.ts'
import { type Check, fine, wrong } from './check.ts'
import { lagFindings } from './lag.ts'

type Engine = keyof ReturnType<typeof inspectCluster>
type Address = { host: string; port: number }

const connectMs = 3_000
const log = createLogger('doctor', 'silent')
const defaultPorts: Record<string, number> = { 'http:': 80, 'https:': 443 }

const ofUrl = (text: string): Address => {
  const { hostname, port, protocol } = new URL(text)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || defaultPorts[protocol]! }
}

const ofBroker = (text: string): Address => {
  const { host, port } = ofUrl(`kafka://${text}`)
  return { host, port: port || 9092 }
}

/** S3 without an endpoint is AWS, whose addresses the SDK knows. */
const addressesOf = ({ kafka, s3, elasticsearch }: Config): Record<Engine, Address[]> => ({
  kafka: kafka.brokers.map(ofBroker),
  s3: s3.endpoint === undefined ? [] : [ofUrl(s3.endpoint)],
  elasticsearch: elasticsearch.nodes.map(ofUrl),
})

/** Null: something takes connections there. */
const whyUnreachable = ({ host, port }: Address): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (reason: string | null) => {
      socket.destroy()
      resolve(reason)
    }
    socket.setTimeout(connectMs, () => end(`no connection within ${connectMs} ms`))
    socket.once('connect', () => end(null)).once('error', (error) => end(error.message || 'no connection'))
  })

const reach = async (engine: Engine, address: Address): Promise<Finding> => {
  const check = `${engine} address`
  const at = `${address.host}:${address.port}`
  const reason = await whyUnreachable(address)
  if (reason === null) return fine(check, `${at} takes connections`)
  return wrong(check, `${at}: ${reason}`, `start ${engine}, or mend its address in the configuration and the way to it`)
}

/** First whether it can be reached at all: clients try for long, and then say less clearly why not. */
const lookAt = (engine: Engine): Check => ({
  name: engine,
  run: async ({ config, clock }) => {
    if (config.backend !== 'cluster') return []
    const addresses = await Promise.all(addressesOf(config)[engine].map((address) => reach(engine, address)))
    if (addresses.length > 0 && addresses.every(({ ok }) => !ok)) return addresses
    const inspect = inspectCluster(config, clock, log)[engine]
    const found = [...addresses.filter(({ ok }) => !ok), ...(await inspect())]
    // Opening the bus would make topics that are missing, and doctor makes nothing.
    const isComplete = engine === 'kafka' && found.every(({ ok }) => ok)
    return isComplete ? [...found, ...(await lagFindings({ config, clock }, log))] : found
  },
})

export const roles = ['receiver', 'ingest', 'detectors', 'delivery', 'viewer'] as const
export type Role = (typeof roles)[number]

const engines: Engine[] = ['kafka', 's3', 'elasticsearch']
/** The receiver reads and writes no evidence. */
const withoutEvidence: readonly (Role | undefined)[] = ['receiver', 'detectors', 'delivery']
const enginesOf = (role: Role | undefined): Engine[] =>
  withoutEvidence.includes(role) ? engines.filter((engine) => engine !== 's3') : engines

/** Each looked at by its own adapter, with the credentials of this process. */
export const clusterEngines = (role: Role | undefined): Check[] => enginesOf(role).map(lookAt)
