import { z } from 'zod'
import { Severity } from './alert.ts'
import { eventKinds } from './session-event.ts'
import { TimeZone } from './time-zone.ts'

/** Destinations, as the list `sinks` of the configuration file names them. Secrets stand in files, never here. */

const int = z.number().int().nonnegative()
const second = 1_000
const KiB = 1024
const MiB = 1024 * KiB

const SendAlerts = Severity.describe('alerts from this severity on')
export const Send = z
  .strictObject({
    events: z
      .union(
        [z.literal('all'), z.array(z.enum(eventKinds)).min(1)],
        `neither all nor a list of ${eventKinds.join(', ')}`,
      )
      .optional(),
    alerts: SendAlerts.optional(),
  })
  .refine(({ events, alerts }) => events !== undefined || alerts !== undefined, 'name events, alerts or both')
export type Send = z.infer<typeof Send>

export const FormatName = z.enum(['ecs', 'ocsf', 'cef', 'leef'])
export type FormatName = z.infer<typeof FormatName>

/** What a chat, a mailbox or a pager gets: an alert once per status, and what was held back once a day. */
const Notify = z
  .strictObject({
    digestTime: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
      .default('08:00'),
    digestZone: TimeZone.default('UTC'),
    stormMessages: int.min(1).max(1_000).default(20).describe('more within stormMs become one message'),
    stormMs: int.min(1).default(600 * second),
  })
  .prefault({})
export type Notify = z.infer<typeof Notify>

const batch = (items: number, bytes: number) =>
  z
    .strictObject({
      items: int.min(1).max(1_000).default(items),
      bytes: int
        .min(KiB)
        .max(8 * MiB)
        .default(bytes),
      waitMs: int.max(60 * second).default(250),
    })
    .prefault({})

const common = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'a name has lower case letters, digits and "-"'),
}
const secretFile = z.string().min(1).max(4096)
const url = z.url({ protocol: /^https?$/ }).max(2048)
const timeoutMs = int
  .min(100)
  .max(300 * second)
  .default(10 * second)
const host = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9.:_-]+$/)
const port = int.min(1).max(65_535)
/** Addresses inside of this network are refused unless this is set: a destination must not reach what only we can. */
const allowPrivate = z.boolean().default(false)
const onlyAlerts = z.strictObject({ alerts: Severity.exclude(['info']).default('low') }).prefault({})

export const FileSinkSettings = z.strictObject({
  ...common,
  type: z.literal('file'),
  send: Send,
  format: FormatName.default('ecs'),
  path: z.string().min(1).max(4096),
  maxBytes: int
    .min(4 * KiB)
    .default(100 * MiB)
    .describe('then it is turned over'),
  files: int.min(1).max(1_000).default(10).describe('turned-over files that are kept'),
  batch: batch(500, MiB),
})
export const WebhookSinkSettings = z.strictObject({
  ...common,
  type: z.literal('webhook'),
  send: Send,
  url,
  secretFiles: z.array(secretFile).min(1).max(4).describe('each holds one whsec_…; all of them sign'),
  allowPrivate,
  caFile: z.string().optional(),
  timeoutMs,
  maxBodyBytes: int
    .min(KiB)
    .max(16 * MiB)
    .default(MiB),
  notify: Notify,
  batch: batch(100, 512 * KiB),
})
export const SlackSinkSettings = z.strictObject({
  ...common,
  type: z.literal('slack'),
  send: onlyAlerts,
  urlFile: secretFile.describe('holds the address of the hook, which is a secret'),
  allowPrivate,
  caFile: z.string().optional(),
  timeoutMs,
  notify: Notify,
})
const mailbox = z
  .string()
  .max(320)
  .regex(/^[^\s<>"(),:;@\\]+@[A-Za-z0-9.-]+$/, 'not a plain mail address')
export const MailSinkSettings = z.strictObject({
  ...common,
  type: z.literal('mail'),
  send: onlyAlerts,
  host,
  port: port.default(587),
  tls: z.enum(['starttls', 'implicit', 'none']).default('starttls'),
  caFile: z.string().optional(),
  username: z.string().max(256).optional(),
  passwordFile: secretFile.optional(),
  from: mailbox,
  to: z.array(mailbox).min(1).max(50),
  timeoutMs,
  notify: Notify,
})
export const KafkaSinkSettings = z.strictObject({
  ...common,
  type: z.literal('kafka'),
  send: Send,
  brokers: z.array(z.string().max(300)).min(1).max(50).optional().describe('absent: the cluster of the configuration'),
  username: z.string().max(256).optional(),
  passwordFile: secretFile.optional(),
  tls: z.strictObject({ enabled: z.boolean().default(false), caFile: z.string().optional() }).prefault({}),
  format: FormatName.default('ecs'),
  eventTopic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/)
    .default('audit.events'),
  alertTopic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/)
    .default('audit.alerts'),
  maxRecordBytes: int
    .min(KiB)
    .max(16 * MiB)
    .default(1_000_000),
  batch: batch(500, MiB),
})
export const SyslogSinkSettings = z.strictObject({
  ...common,
  type: z.literal('syslog'),
  send: Send,
  transport: z.enum(['udp', 'tcp', 'tls']).default('tls'),
  host,
  port: port.default(6514),
  format: FormatName.default('ecs'),
  framing: z.enum(['octet-counting', 'newline']).default('octet-counting').describe('of tcp and tls'),
  byteOrderMark: z.boolean().default(false).describe('before the message, as RFC 5424 has it; most receivers keep it'),
  serverName: host.optional().describe('in the certificate, where it is not the host'),
  caFile: z.string().optional(),
  certFile: z.string().optional(),
  keyFile: secretFile.optional(),
  maxMessageBytes: int.min(480).max(MiB).optional().describe('absent: what the transport carries'),
  timeoutMs,
  batch: batch(200, 512 * KiB),
})

export const SinkSettings = z.discriminatedUnion('type', [
  FileSinkSettings,
  WebhookSinkSettings,
  SlackSinkSettings,
  MailSinkSettings,
  KafkaSinkSettings,
  SyslogSinkSettings,
])
export type SinkSettings = z.infer<typeof SinkSettings>
export type FileSinkSettings = z.infer<typeof FileSinkSettings>
export type WebhookSinkSettings = z.infer<typeof WebhookSinkSettings>
export type SlackSinkSettings = z.infer<typeof SlackSinkSettings>
export type MailSinkSettings = z.infer<typeof MailSinkSettings>
export type KafkaSinkSettings = z.infer<typeof KafkaSinkSettings>
export type SyslogSinkSettings = z.infer<typeof SyslogSinkSettings>

/** Whether people read it: then an alert comes once per status, and not with every revision. */
export const isNotifying = (settings: SinkSettings): boolean =>
  settings.type === 'slack' ||
  settings.type === 'mail' ||
  (settings.type === 'webhook' && settings.send.events === undefined)

export const SinkList = z
  .array(SinkSettings)
  .max(50)
  .refine((sinks) => new Set(sinks.map(({ name }) => name)).size === sinks.length, 'two sinks have the same name')
