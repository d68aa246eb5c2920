import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { Agent, Uplink } from './config/agent.ts'
import { Access, Approvals, Custody, Http, Viewer } from './config/console.ts'
import { Elasticsearch, Kafka, S3 } from './config/engines.ts'
import { AsciinemaLive, Auditd, Openssh, Script, Sudo, Tlog } from './config/hooks.ts'
import { BusConfig, DeadMan, Ingest, Receiver, Recordings, Relay } from './config/ingest.ts'
import { BartizanError } from './errors.ts'
import { DetectorSettings } from './schema/detector-settings.ts'
import { BastionName } from './schema/ids.ts'
import { SinkList } from './schema/sink-settings.ts'

const Log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level that is logged'),
})

/** Every setting, its default and its meaning: the one source of `config --print` and of the environment names. */
export const Config = z.strictObject({
  data: z.string().default('data').describe('folder of everything Bartizan keeps'),
  keysFolder: z
    .string()
    .optional()
    .describe('session keys; absent: keys in the data folder. In a cluster one that ingest and viewer share'),
  bastion: BastionName.default(BastionName.catch('bastion' as BastionName).parse(hostname())).describe(
    'name of this host',
  ),
  backend: z
    .enum(['embedded', 'cluster'])
    .default('embedded')
    .describe('embedded: all in the data folder; cluster: Kafka, Object-Lock S3, Elasticsearch'),
  log: Log.prefault({}),
  http: Http.prefault({}),
  sudo: Sudo.prefault({}),
  script: Script.prefault({}),
  openssh: Openssh.prefault({}),
  tlog: Tlog.prefault({}),
  auditd: Auditd.prefault({}),
  asciinemaLive: AsciinemaLive.prefault({}),
  agent: Agent.prefault({}),
  uplink: Uplink.prefault({}),
  receiver: Receiver.prefault({}),
  relay: Relay.prefault({}),
  ingest: Ingest.prefault({}),
  bus: BusConfig.prefault({}),
  recordings: Recordings.prefault({}),
  kafka: Kafka.prefault({}),
  s3: S3.prefault({}),
  elasticsearch: Elasticsearch.prefault({}),
  viewer: Viewer.prefault({}),
  access: Access.prefault({}),
  approvals: Approvals.prefault({}),
  custody: Custody.prefault({}),
  detectors: DetectorSettings.prefault({}),
  deadMan: DeadMan.prefault({}),
  sinks: SinkList.default([]).describe('destinations of events and alerts; in the configuration file only'),
})
export type Config = z.infer<typeof Config>

/** As it may be shown: of addresses that are secrets only where they lead. */
export const withoutSecrets = (config: Config): Config => {
  const { url } = config.deadMan
  return url === undefined ? config : { ...config, deadMan: { ...config.deadMan, url: `${new URL(url).origin}/…` } }
}

/** Environment that is not a setting: secrets, and names other programs rely on. */
const reserved = new Set(['BARTIZAN_ADMIN_TOKEN', 'BARTIZAN_TOKEN', 'BARTIZAN_CONFIG'])

export type Setting = { path: string[]; env: string; description: string }

const shapeOf = (type: unknown): Record<string, unknown> | null => {
  const definition = (type as { def?: { type: string; shape?: Record<string, unknown>; innerType?: unknown } }).def
  if (definition?.type === 'object') return definition.shape ?? null
  return definition?.innerType ? shapeOf(definition.innerType) : null
}

/** All leaf settings with their environment names: http.port → BARTIZAN_HTTP_PORT. */
export const settings = (type: unknown = Config, path: string[] = []): Setting[] =>
  Object.entries(shapeOf(type) ?? {}).flatMap(([name, child]) => {
    const here = [...path, name]
    if (shapeOf(child)) return settings(child, here)
    const env = `BARTIZAN_${here.map((part) => part.replace(/([A-Z])/g, '_$1').toUpperCase()).join('_')}`
    return [{ path: here, env, description: (child as z.ZodType).description ?? '' }]
  })

const setAt = (target: Record<string, unknown>, path: string[], value: unknown): void => {
  const [name, ...rest] = path as [string, ...string[]]
  if (rest.length === 0) {
    target[name] = value
    return
  }
  target[name] ??= {}
  setAt(target[name] as Record<string, unknown>, rest, value)
}

const overlayEnvironment = (raw: Record<string, unknown>, env: NodeJS.ProcessEnv): void => {
  const known = new Map(settings().map((setting) => [setting.env, setting.path]))
  known.set('BARTIZAN_OPENSSH_LOG', ['openssh', 'logFile'])
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('BARTIZAN_') || reserved.has(name) || value === undefined) continue
    const path = known.get(name)
    if (!path) {
      throw new BartizanError('BTZ_CONFIG_INVALID', `environment: ${name} is not a setting`, {
        hint: '`bartizan config --print` lists all settings',
      })
    }
    setAt(raw, path, value)
  }
}

/** In YAML a section whose keys are all comments is null. */
const withoutEmpty = (section: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(section)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [
        name,
        typeof value === 'object' && !Array.isArray(value) ? withoutEmpty(value as object) : value,
      ]),
  )

const readFile = (file: string): Record<string, unknown> => {
  let parsed: unknown
  try {
    parsed = parseYaml(readFileSync(file, 'utf8'), { maxAliasCount: 0 })
  } catch (cause) {
    throw new BartizanError('BTZ_CONFIG_INVALID', `${file}: ${(cause as Error).message}`, { cause })
  }
  if (parsed === null || parsed === undefined) return {}
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new BartizanError('BTZ_CONFIG_INVALID', `${file}: expected keys and values at the top level`)
  }
  return withoutEmpty(parsed)
}

/**
 * File, then environment. `data` is made absolute.
 * @throws BTZ_CONFIG_INVALID naming every wrong key
 */
export const loadConfig = (file: string | undefined, env: NodeJS.ProcessEnv): Config => {
  const raw = file === undefined ? {} : readFile(file)
  overlayEnvironment(raw, env)
  const result = Config.safeParse(raw)
  if (!result.success) {
    throw new BartizanError('BTZ_CONFIG_INVALID', z.prettifyError(result.error), {
      hint: '`bartizan config --print` lists all settings with their meaning',
    })
  }
  return { ...result.data, data: resolve(result.data.data) }
}
