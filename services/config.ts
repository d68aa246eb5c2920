import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { BartizanError } from './errors.ts'
import { DetectorSettings } from './schema/detector-settings.ts'
import { Flag } from './schema/flag.ts'
import { HostName } from './schema/host-name.ts'
import { BastionName } from './schema/ids.ts'
import { RetentionMatch, SessionMatch } from './schema/session-match.ts'
import { SinkList } from './schema/sink-settings.ts'
import { TimeZone } from './schema/time-zone.ts'

const MiB = 1024 * 1024
const port = z.coerce.number().int().min(0).max(65_535)
const int = z.coerce.number().int().nonnegative()
const list = <T extends z.ZodType>(item: T) =>
  z.preprocess((value) => (typeof value === 'string' ? value.split(',').filter(Boolean) : value), z.array(item))

const Log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level that is logged'),
})
const Http = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('address of console and API; put a TLS proxy before any other than loopback'),
  port: port.default(8080).describe('0 = any free port'),
  publicUrl: z.url().optional().describe('how browsers reach the console, when through a proxy'),
})
const Sudo = z.strictObject({
  host: z.string().default('127.0.0.1').describe('address of the sudo log server'),
  port: port.default(30_343).describe('0 = any free port'),
  allowedUids: list(int).default([0]).describe('users whose sockets may speak to the sudo port; sudo itself runs as 0'),
  maxConnections: int.default(1024).describe('more are refused'),
  resumeGraceMs: int
    .default(30_000)
    .describe('how long a cut session waits for its client before it ends as truncated'),
  idleHelloMs: int.default(10_000).describe('a connection that says nothing for this long is closed'),
})
const Script = z.strictObject({
  port: port
    .default(0)
    .describe('where `bartizan record` finds the agent; 0 = any free one, told to its own user only'),
  maxSessions: int.default(256).describe('recordings by `bartizan record` at once; more are refused'),
  maxSessionsPerUser: int.default(32).describe('and of one user'),
})
const syslogAddress = /^(?:(?:udp|tcp):(?:(?:\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,253}):)?\d{1,5}|unix:\/.{1,200})$/
const Openssh = z.strictObject({
  logFile: z
    .string()
    .optional()
    .describe("sshd's log (LogLevel VERBOSE), followed from its beginning; BARTIZAN_OPENSSH_LOG names it too"),
  listen: list(z.string().regex(syslogAddress, 'not udp:HOST:PORT, tcp:HOST:PORT or unix:PATH'))
    .default([])
    .describe('where syslog comes in: udp:127.0.0.1:5514, tcp:127.0.0.1:5514, unix:/run/bartizan/log'),
  journal: Flag.default(false).describe('read the journal of systemd'),
  timeZone: TimeZone.default(Intl.DateTimeFormat().resolvedOptions().timeZone).describe(
    'of times in the log that name none (IANA)',
  ),
  year: z.coerce
    .number()
    .int()
    .min(1995)
    .max(9999)
    .optional()
    .describe('of the first line, where times name none; absent: by the clock'),
})
const lines = {
  logFile: z.string().optional().describe('file that is followed from its beginning'),
  listen: list(z.string().regex(syslogAddress, 'not udp:HOST:PORT, tcp:HOST:PORT or unix:PATH'))
    .default([])
    .describe('where syslog comes in, as for openssh'),
  journal: Flag.default(false).describe('read the journal of systemd'),
}
const Tlog = z.strictObject({
  ...lines,
  silentEndMs: int
    .default(3_600_000)
    .describe('silence after which a recording is over, where its process cannot be looked at (another host)'),
})
const Auditd = z.strictObject({
  logFile: z
    .string()
    .optional()
    .describe("auditd's log (raw or enriched) or laurel's, with execve records; followed from its beginning"),
})
const AsciinemaLive = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('address for `asciinema stream`; any but loopback needs a certificate'),
  port: port.optional().describe('absent: nobody streams; 0 = any free port'),
  certFile: z.string().optional().describe('PEM, with keyFile: wss:// instead of ws://'),
  keyFile: z.string().optional().describe('private key of certFile, PEM'),
  maxStreams: int.default(64).describe('at once; more are refused'),
  maxStreamsPerKey: int.default(8).describe('and by one key'),
})
const Agent = z.strictObject({
  drainMs: int.default(5_000).describe('on SIGTERM: what open sessions get before they are ended'),
  heartbeatMs: int.default(10_000).describe('interval of heartbeats'),
  signHeadMs: int.default(10_000).describe('interval at which an active session head is signed'),
  batchMaxBytes: int
    .max(256 * 1024)
    .default(256 * 1024)
    .describe('payload of a batch'),
  batchMaxMs: int.default(250).describe('age at which a batch is closed'),
  envKeep: list(z.string())
    .default(['LANG', 'LC_ALL', 'TERM', 'SSH_CONNECTION', 'SSH_CLIENT', 'SSH_TTY'])
    .describe('environment names kept in the recording; all others are dropped on the bastion'),
  spool: z
    .strictObject({
      maxBytes: int.default(1024 * MiB).describe('limit of what waits on the bastion'),
      segmentBytes: int.default(64 * MiB).describe('size of one spool file'),
      fsyncMs: int.default(20).describe('longest wait of a group fsync'),
      keep: z
        .enum(['acknowledged', 'evidence'])
        .default('acknowledged')
        .describe('until the bus has it, or until it is evidence'),
      onFull: z
        .enum(['abort', 'gap'])
        .default('abort')
        .describe('at 100 %: end sessions with a text, or go on with a recorded gap'),
    })
    .prefault({}),
  masking: z
    .strictObject({
      holdMs: int.default(2_000).describe('longest time a typed key waits for its decision'),
      holdBytes: int.default(4096).describe('most typed bytes that wait for a decision'),
      answerMs: int.default(1_000).describe('output within this time answers a key'),
      ttyProbe: z.enum(['auto', 'off']).default('auto').describe('read the terminal mode where the agent may'),
    })
    .prefault({}),
})
const Uplink = z.strictObject({
  via: z
    .enum(['receiver', 'kafka'])
    .default('receiver')
    .describe('batches and events go through the receiver, or straight into Kafka; heartbeats always to the receiver'),
  url: z.url().optional().describe('receiver; absent: the local instance, found through endpoints.json'),
  tokenFile: z.string().optional().describe('file with the ingest token; absent: the local instance made one'),
  caFile: z.string().optional().describe('certificate that vouches for an https receiver; absent: those of the system'),
  maxUploadBytes: int.default(4 * MiB).describe('size of one upload'),
})
const Receiver = z.strictObject({
  host: z
    .string()
    .optional()
    .describe('address where agents of other machines are received, over HTTPS; absent: nowhere'),
  port: port.default(8443).describe('0 = any free port'),
  names: list(HostName)
    .default([])
    .describe('names and addresses by which agents reach it, the first in the command to enrol; absent: host'),
  plainFrom: list(z.union([z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('networks, besides loopback, from which agents are taken over plain HTTP: of a TLS proxy, of containers'),
})
const Relay = z.strictObject({
  host: z.string().default('0.0.0.0').describe('address where the agents behind the relay are received, over HTTPS'),
  port: port.default(8443).describe('0 = any free port'),
  spoolBytes: int
    .default(16 * 1024 * MiB)
    .describe('what waits for the receiver at most; then agents keep what they have'),
  partitions: int
    .min(1)
    .max(48)
    .default(4)
    .describe('uploads at once, of batches and of events; fixed at the first start'),
})
const Ingest = z.strictObject({
  blockMaxBytes: int.default(4 * MiB).describe('a block closes at this size'),
  blockMaxMs: int.default(60_000).describe('or at this age'),
  eventBlockMaxBytes: int.default(MiB).describe('size of an event block'),
  memoryBytes: int.default(256 * MiB).describe('open blocks of a worker together; the largest closes first'),
  reorderBatches: int.default(64).describe('batches of a session that wait for a missing one'),
  reorderMs: int.default(30_000).describe('how long they wait before the gap is recorded'),
  orphanAfterMs: int
    .default(24 * 3_600_000)
    .describe('without a heartbeat for this long, open sessions are closed provisionally'),
  maxRecordingBytes: int.default(1024 * MiB).describe('size of one uploaded recording, unpacked'),
})
const BusConfig = z.strictObject({
  partitions: int.min(1).max(48).default(8).describe('per topic, fixed when the topic is made'),
  segmentBytes: int.default(64 * MiB).describe('size of one log file'),
  retentionMs: int
    .default(14 * 24 * 3_600_000)
    .describe('records older than this go, once every group has committed them'),
  maxRecordBytes: int.default(4 * MiB).describe('larger records are refused'),
})
const Recordings = z
  .strictObject({
    retentionDays: int.min(1).default(365).describe('evidence is kept at least this long'),
    retention: z
      .array(z.strictObject({ match: RetentionMatch, days: int.min(1) }))
      .max(100)
      .default([])
      .describe('sessions that are kept longer: the longest of all that match; in the configuration file only'),
    maxRetentionYears: int
      .min(1)
      .max(100)
      .default(10)
      .describe('a longer retention is refused: it cannot be taken back'),
    immutable: Flag.default(false).describe('chattr +i on evidence files (needs root)'),
  })
  .refine(
    ({ retentionDays, retention, maxRetentionYears }) =>
      [retentionDays, ...retention.map(({ days }) => days)].every((days) => days < maxRetentionYears * 365),
    'a retention is not shorter than maxRetentionYears: nothing could be stored',
  )
const tls = z
  .strictObject({
    enabled: Flag.default(false).describe('speak TLS'),
    caFile: z.string().optional().describe('certificates to trust; absent: those of the system'),
  })
  .prefault({})
const Kafka = z.strictObject({
  brokers: list(z.string()).default(['127.0.0.1:9092']).describe('host:port of some brokers; they tell the rest'),
  topicPrefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,100}$/)
    .default('')
    .describe('before the name of every topic and group, where a cluster is shared'),
  partitions: int.min(1).max(1000).default(48).describe('per topic, fixed when the topic is made'),
  replicationFactor: int.min(1).max(7).default(3).describe('copies of every record; 1 only for a single broker'),
  username: z.string().optional().describe('SASL/SCRAM-SHA-512; absent: no authentication'),
  passwordFile: z.string().optional().describe('file with the password'),
  tls,
})
const s3Login = z
  .strictObject({
    accessKeyId: z.string().optional(),
    secretAccessKeyFile: z.string().optional().describe('file with the secret key'),
  })
  .prefault({})
const S3 = z.strictObject({
  endpoint: z.url().optional().describe('absent: AWS'),
  region: z.string().default('us-east-1'),
  bucket: z.string().default('bartizan-evidence').describe('with versioning and Object Lock'),
  forcePathStyle: Flag.default(false).describe('bucket in the path, as most stores other than AWS want it'),
  accessKeyId: z.string().optional().describe("absent: the SDK's own ways to find credentials"),
  secretAccessKeyFile: z.string().optional().describe('file with the secret key'),
  custodian: s3Login.describe('of `bartizan custodian`, who holds evidence and keeps it longer; absent: those above'),
  disposer: s3Login.describe('of `bartizan dispose`, which deletes what is past its retention; absent: those above'),
})
const Elasticsearch = z.strictObject({
  nodes: list(z.url()).default(['http://127.0.0.1:9200']),
  indexPrefix: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,60}$/)
    .default('bartizan')
    .describe('before the name of every index and template'),
  shards: int.min(1).max(100).default(1).describe('per index'),
  replicas: int.max(10).default(1).describe('per index; 0 only for a single node'),
  username: z.string().optional(),
  passwordFile: z.string().optional().describe('file with the password'),
  apiKeyFile: z.string().optional().describe('file with an API key, instead of a user'),
  caFile: z.string().optional().describe('certificates to trust; absent: those of the system'),
})
const Viewer = z.strictObject({
  sessionHours: int.min(1).default(12).describe('how long a browser stays signed in'),
  loginLinkMinutes: int.min(1).default(15).describe('how long a one-time sign-in link is good'),
  readers: int.min(1).max(16).default(2).describe('threads that answer queries'),
  queryTimeoutMs: int.default(5_000).describe('longest time of one query'),
})

const Access = z.strictObject({
  ownSessions: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe('whether people see, hold, erase or decide on sessions of their own: of a user with their name'),
  reason: z
    .enum(['off', 'optional', 'required'])
    .default('off')
    .describe('whether whoever sees content says why, in the header X-Bartizan-Reason'),
  secondPerson: z
    .array(SessionMatch)
    .max(100)
    .default([])
    .describe('sessions whose content nobody sees without leave of another person; in the configuration file only'),
  shares: Flag.default(false).describe(
    'whether links can be made that show a part of one session to who has no account',
  ),
})
const Approvals = z.strictObject({
  expiresMs: int
    .min(60_000)
    .max(30 * 24 * 3_600_000)
    .default(24 * 3_600_000)
    .describe('how long a request can be decided, and how long leave to see content then lasts'),
})

const Custody = z.strictObject({
  report: z
    .string()
    .regex(/^(?:[\d*,/-]{1,40} ){5}[\d*,/-]{1,40}$/, 'not six fields of cron')
    .default('0 30 2 * * *')
    .describe(
      'when the nightly report about held, ending, disposed of and erased evidence is an event; cron with seconds, UTC',
    ),
  backupDays: int
    .max(10_000)
    .default(0)
    .describe(
      'how long backups of keys and state are kept: so long an erased session is called erasing; 0: there are none',
    ),
})

const DeadMan = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .refine((url) => !url.includes('…'), 'this is what is shown of an address, and not the address')
    .optional()
    .describe('told while bus, evidence, catalog and delivery work; who waits there alerts when it is not. A secret'),
  method: z.enum(['GET', 'HEAD', 'POST']).default('GET').describe('how it is told'),
  intervalMs: int
    .min(100)
    .default(5 * 60_000)
    .describe('how often; not more often than a block of events becomes durable (ingest.blockMaxMs)'),
  timeoutMs: int.min(100).default(10_000).describe('longest wait for an answer'),
  allowPrivate: Flag.default(false).describe('the address may be one inside of this network'),
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
