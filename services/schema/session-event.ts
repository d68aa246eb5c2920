import { z } from 'zod'
import { BastionName, Sha256Hex } from './ids.ts'

const text = (max: number) => z.string().max(max)
const nullable = <T extends z.ZodType>(type: T) => type.nullable().optional()

const common = {
  id: z.string().min(8).max(128), // stable: the same input gives the same id
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

const event = <K extends string, S extends z.ZodRawShape>(kind: K, fields: S) =>
  z.looseObject({ ...common, kind: z.literal(kind), ...fields })

/** What travels on `session-events`: unknown fields are kept. Fields per kind: shared with importers and SIEM sinks. */
export const SessionEvent = z.discriminatedUnion('kind', [
  event('login', {
    method: nullable(text(64)),
    keyFingerprint: nullable(text(128)),
    certId: nullable(text(512)),
    certSerial: nullable(text(64)),
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
    protocol: text(32),
    tty: z.boolean(),
    recorded: z.boolean(),
  }),
  event('session_ended', {
    durationMs: z.number().nonnegative(),
    outBytes: z.number().int().nonnegative(),
    inBytes: z.number().int().nonnegative(),
    maxIdleMs: nullable(z.number().nonnegative()),
    exitCode: nullable(z.number().int()),
    exitSignal: nullable(text(32)),
    recorded: z.boolean(),
  }),
  event('command', {
    argv: z.array(z.string()).max(4096),
    line: z.string(),
    runAs: nullable(text(256)),
    exitCode: nullable(z.number().int()),
    via: z.enum(['exec', 'typed']),
    atMs: z.number().nonnegative(),
  }),
  event('file_transfer', {
    direction: z.enum(['download', 'upload']),
    sizeBytes: z.number().int().nonnegative(),
    fileCount: nullable(z.number().int().nonnegative()),
    path: nullable(text(4096)),
    protocol: text(32),
    sha256: nullable(Sha256Hex),
  }),
  event('port_forward', {
    direction: z.enum(['local', 'remote', 'dynamic']),
    destHost: nullable(text(253)),
    destPort: nullable(z.number().int()),
  }),
  event('privilege_change', { method: text(64), fromUser: nullable(text(256)), toUser: nullable(text(256)) }),
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
    detail: nullable(text(4096)),
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
