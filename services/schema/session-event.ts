import { z } from 'zod'
import { agentStatusFields } from './agent-status.ts'
import { BastionName, Sha256Hex } from './ids.ts'

const text = (max: number) => z.string().max(max)
const nullable = <T extends z.ZodType>(type: T) => type.nullable().optional()
/** Who sends the event may leave it out where it does not apply; who reads it need not care. */
const orElse = <T>(type: z.ZodType<T>, absent: T) => type.nullish().transform((value) => value ?? absent)
const count = orElse(z.number().int().nonnegative(), 0)
const ms = orElse(z.number().nonnegative(), 0)
const maxDetail = 4_096
const detailText = z
  .union([text(maxDetail), z.record(z.string(), z.unknown())])
  .transform((detail) => (typeof detail === 'string' ? detail : JSON.stringify(detail).slice(0, maxDetail)))

const common = {
  id: z.string().min(1).max(128), // stable: the same input gives the same id
  at: z.iso.datetime(), // RFC 3339 UTC: when it happened
  receivedAt: z.iso.datetime().optional(),
  source: text(64), // openssh, sudo, agent, viewer, …
  bastion: BastionName,
  user: nullable(text(256)),
  sourceIp: nullable(text(64)),
  sourcePort: nullable(z.number().int().min(0).max(65535)),
  target: nullable(text(253)),
  sessionId: nullable(text(64)),
  outcome: nullable(z.enum(['success', 'failure'])),
  agentSeq: nullable(z.number().int().nonnegative()),
  prevHash: nullable(Sha256Hex), // SHA-256 of the finished bytes of the agent's event before
}

export const commonEventFields: readonly string[] = [...Object.keys(common), 'kind']

const event = <K extends string, S extends z.ZodRawShape>(kind: K, fields: S) =>
  z.looseObject({ ...common, kind: z.literal(kind), ...fields })

/** What travels on `session-events`: unknown fields are kept. Fields per kind: shared with importers and SIEM sinks. */
export const SessionEvent = z.discriminatedUnion('kind', [
  event('login', {
    method: nullable(text(64)),
    keyFingerprint: nullable(text(128)),
    certId: nullable(text(512)),
    certSerial: nullable(z.union([text(64), z.number().transform(String)])),
    certCa: nullable(text(128)),
    mfa: nullable(z.boolean()),
    clientVersion: nullable(text(256)),
  }),
  event('login_failed', {
    method: nullable(text(64)),
    reason: nullable(
      z.enum(['invalid_user', 'bad_password', 'key_rejected', 'mfa_denied', 'password_expired', 'unknown']),
    ),
    keyFingerprint: nullable(text(128)),
    clientVersion: nullable(text(256)),
  }),
  event('session_started', {
    protocol: orElse(text(32), 'ssh'),
    tty: orElse(z.boolean(), false),
    recorded: orElse(z.boolean(), true),
  }),
  event('session_ended', {
    durationMs: ms,
    outBytes: count,
    inBytes: count,
    maxIdleMs: nullable(z.number().nonnegative()),
    exitCode: nullable(z.number().int()),
    exitSignal: nullable(text(32)),
    recorded: orElse(z.boolean(), true),
  }),
  event('command', {
    argv: orElse(z.array(z.string()).max(4096), []),
    line: orElse(z.string(), ''),
    runAs: nullable(text(256)),
    exitCode: nullable(z.number().int()),
    via: orElse(z.enum(['exec', 'typed']), 'exec'),
    atMs: ms,
  }),
  event('file_transfer', {
    direction: z.enum(['download', 'upload']),
    sizeBytes: count,
    fileCount: nullable(z.number().int().nonnegative()),
    path: nullable(text(4096)),
    protocol: orElse(text(32), 'unknown'),
    sha256: nullable(Sha256Hex),
  }),
  event('port_forward', {
    direction: z.enum(['local', 'remote', 'dynamic']),
    destHost: nullable(text(253)),
    destPort: nullable(z.number().int()),
  }),
  event('privilege_change', { method: nullable(text(64)), fromUser: nullable(text(256)), toUser: nullable(text(256)) }),
  event('posture', {
    check: text(128),
    status: z.enum(['ok', 'warn', 'fail']),
    detail: z.record(z.string(), z.unknown()).nullable().optional(),
  }),
  event('recorder_health', {
    status: z.enum(['ok', 'stopped', 'killed', 'tampered']),
    agent: nullable(text(253)),
    seq: nullable(z.number().int().nonnegative()),
    spoolBytes: nullable(z.number().int().nonnegative()),
    lagMs: nullable(z.number().nonnegative()),
    detail: nullable(detailText),
    // Said by the ledger of a session: which gap it has; null: none any more.
    gap: nullable(text(64)),
    // Said by ingest of an agent that is not heard, and of one that is heard again.
    silentSince: nullable(z.iso.datetime()),
    silentUntil: nullable(z.iso.datetime()),
    // Said by agents of themselves; those of before did not.
    version: nullable(agentStatusFields.version),
    nodeVersion: nullable(agentStatusFields.nodeVersion),
    protocol: nullable(agentStatusFields.protocol),
    openSessions: nullable(agentStatusFields.openSessions),
    sessions: nullable(agentStatusFields.sessions),
    spoolShare: nullable(agentStatusFields.spoolShare),
    spoolOldestMs: nullable(agentStatusFields.spoolOldestMs),
    clockOffsetMs: nullable(agentStatusFields.clockOffsetMs),
    hooks: nullable(agentStatusFields.hooks),
  }),
  event('access', {
    actor: text(256),
    action: text(64), // session.view, session.replay, session.export, search, login, token.create, …
    object: nullable(text(512)),
    reason: nullable(text(1024)),
  }),
])
export type SessionEvent = z.infer<typeof SessionEvent>
export type EventKind = SessionEvent['kind']
export const eventKinds = SessionEvent.options.map((option) => option.shape.kind.value) as EventKind[]
