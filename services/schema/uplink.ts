import { z } from 'zod'
import { AgentStatus } from './agent-status.ts'
import { BastionName, SessionId, Sha256Hex } from './ids.ts'

/** What agent and receiver say to each other besides batches (BatchUpload in frame_batch.proto) and events (NDJSON). */

export const BatchesAnswer = z.object({
  /** Highest batchSeq of the upload per session that the bus holds durably. */
  sessions: z.array(z.object({ sessionId: SessionId, durableSeq: z.number().int() })),
  /** Batches that can never be taken (malformed, another bastion's): by their index in the upload. */
  rejected: z.array(z.object({ index: z.number().int(), code: z.string(), reason: z.string() })),
})
export type BatchesAnswer = z.infer<typeof BatchesAnswer>

export const EventsAnswer = z.object({
  accepted: z.number().int(),
  duplicates: z.number().int(),
  rejected: z.array(z.object({ line: z.number().int(), reason: z.string() })),
})
export type EventsAnswer = z.infer<typeof EventsAnswer>

/** PUT /api/agents/heartbeat, every 10 s. `waitMs`: the answer may be held that long, so that orders arrive at once. */
export const Heartbeat = z.object({
  bastion: BastionName,
  version: z.string().max(64),
  at: z.iso.datetime(),
  keyId: z.string().max(64), // of the key that signs heads
  publicKey: z.string().max(128), // raw Ed25519, base64
  waitMs: z.number().int().min(0).max(10_000),
  everyMs: z.number().int().min(100).max(600_000).optional(), // until the next one; agents of before do not say it
  openSessions: z.array(z.object({ sessionId: SessionId, lastSeq: z.number().int() })).max(10_000),
  spool: z.object({ usedBytes: z.number().int(), maxBytes: z.number().int() }),
  status: AgentStatus.optional(), // agents of before do not say it
})
export type Heartbeat = z.infer<typeof Heartbeat>

export const HeartbeatAnswer = z.object({
  orders: z.array(z.object({ id: z.string(), type: z.literal('terminate'), sessionId: SessionId, text: z.string() })),
  /**
   * Whether records signed with the heartbeat's key are taken. `unknown`: nobody can say so now, what was said before
   * still holds.
   */
  signingKey: z.enum(['registered', 'revoked', 'unknown']),
  /** For `spool.keep: evidence`: what stands in durable blocks. */
  evidence: z.array(z.object({ sessionId: SessionId, durableSeq: z.number().int() })),
  /** Sessions of this bastion that were erased, the newest; receivers of before do not say it. */
  erased: z.array(SessionId).max(1_000).optional(),
  /** The receiver's clock, Unix ms, when the heartbeat was there and when the answer left; absent from receivers of before. */
  clock: z.object({ receivedAtMs: z.number(), answeredAtMs: z.number() }).optional(),
  /** To a relay: whom it may take, and by which certificates. */
  behind: z
    .array(
      z.object({
        bastion: BastionName,
        certificates: z.array(z.object({ sha256: Sha256Hex, expiresAtMs: z.number() })).max(16),
      }),
    )
    .max(2_000)
    .optional(),
})
export type HeartbeatAnswer = z.infer<typeof HeartbeatAnswer>

/** POST /api/ingest/signing-keys: the key (raw Ed25519) with which an import signs what it sends for a bastion. */
export const ImportKey = z.object({ bastion: BastionName, publicKey: z.base64().length(44) })
export const ImportKeyAnswer = z.object({ keyId: z.string(), signingKey: z.enum(['registered', 'revoked']) })
export type ImportKeyAnswer = z.infer<typeof ImportKeyAnswer>

/** <data>/endpoints.json: where the running console listens; written when ready. */
export const ConsoleEndpoints = z.object({ httpPort: z.number().int(), pid: z.number().int() })

/** The same of an instance that runs everything, agent included. */
export const Endpoints = ConsoleEndpoints.extend({ sudoPort: z.number().int(), agentPid: z.number().int() })
export type Endpoints = z.infer<typeof Endpoints>
