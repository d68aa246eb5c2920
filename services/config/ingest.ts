import { z } from 'zod'
import { Flag } from '../schema/flag.ts'
import { HostName } from '../schema/host-name.ts'
import { RetentionMatch } from '../schema/session-match.ts'
import { int, list, port } from './fields.ts'

const MiB = 1024 * 1024

export const Receiver = z.strictObject({
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
export const Relay = z.strictObject({
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
export const Ingest = z.strictObject({
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
export const BusConfig = z.strictObject({
  partitions: int.min(1).max(48).default(8).describe('per topic, fixed when the topic is made'),
  segmentBytes: int.default(64 * MiB).describe('size of one log file'),
  retentionMs: int
    .default(14 * 24 * 3_600_000)
    .describe('records older than this go, once every group has committed them'),
  maxRecordBytes: int.default(4 * MiB).describe('larger records are refused'),
})
export const Recordings = z
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
export const DeadMan = z.strictObject({
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
