import { z } from 'zod'
import { int, list } from './fields.ts'

const MiB = 1024 * 1024

export const Agent = z.strictObject({
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
export const Uplink = z.strictObject({
  via: z
    .enum(['receiver', 'kafka'])
    .default('receiver')
    .describe('batches and events go through the receiver, or straight into Kafka; heartbeats always to the receiver'),
  url: z.url().optional().describe('receiver; absent: the local instance, found through endpoints.json'),
  tokenFile: z.string().optional().describe('file with the ingest token; absent: the local instance made one'),
  caFile: z.string().optional().describe('certificate that vouches for an https receiver; absent: those of the system'),
  maxUploadBytes: int.default(4 * MiB).describe('size of one upload'),
})
