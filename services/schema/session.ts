import { z } from 'zod'
import { SessionId } from './ids.ts'

/** How a session stands in the completeness ledger. */
export const SessionState = z.enum([
  'open',
  'complete',
  'missing',
  'truncated',
  'recorder_killed',
  'late',
  'tunnel_only',
])
export type SessionState = z.infer<typeof SessionState>

/** Its end is not known yet: it goes on, or what came of it is old because its agent is not heard (`late`). */
export const isUnended = (state: SessionState): boolean => state === 'open' || state === 'late'

/** How far its evidence is: `pending` until every batch stands in a durable block, `sealed` with its manifest. */
export const EvidenceState = z.enum(['none', 'pending', 'sealed', 'erasing', 'erased'])

/** How whoever opened the session's connection logged in, by sshd's log. */
export const SessionLogin = z.object({
  at: z.iso.datetime(),
  method: z.string().nullable(),
  keyFingerprint: z.string().nullable(),
  certId: z.string().nullable(),
  certSerial: z.string().nullable(),
  certCa: z.string().nullable(),
  failuresBefore: z.number().int(), // failed logins from the address on this bastion in the 24 hours before; 1,000: or more
})
export type SessionLogin = z.infer<typeof SessionLogin>

/** A session as the API shows it. Times RFC 3339 UTC. */
export const Session = z.object({
  id: SessionId,
  connectionId: z.string().nullable(), // equal for all sessions of one ssh connection
  parentId: z.string().nullable(), // the session in which this one (a nested sudo) was started
  user: z.string(), // who logged in
  person: z.string().nullable(), // who that is, by the operator's directory
  runAs: z.string().nullable(),
  bastion: z.string(),
  target: z.string().nullable(),
  sourceIp: z.string().nullable(),
  sourcePort: z.number().int().nullable(),
  hook: z.string(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  exitCode: z.number().int().nullable(),
  exitSignal: z.string().nullable(),
  recorded: z.boolean(),
  state: SessionState,
  evidence: EvidenceState,
  // Additions to the contract of other programs.
  endDetail: z.string().nullable(), // why it ended, where that is not a plain exit
  tty: z.string().nullable(), // null: no terminal
  rows: z.number().int().nullable(),
  cols: z.number().int().nullable(),
  argv: z.array(z.string()), // what was started: the login shell or the remote command
  durationMs: z.number().nullable(),
  outBytes: z.number().int(),
  inBytes: z.number().int(),
  commandCount: z.number().int(),
  lastActivityAt: z.iso.datetime().nullable(),
  login: SessionLogin.nullable(), // null: sshd's log does not tell of it
})
export type Session = z.infer<typeof Session>

/**
 * Where a command is known from: a record of its execve, the keys and the screen alike, the screen behind the prompt,
 * or the keys alone.
 */
export const LineSource = z.enum(['exec', 'both', 'screen', 'keys'])
export type LineSource = z.infer<typeof LineSource>

/** A command of a session: a typed line (with the execs it caused) or an exec that no line explains. */
export const Command = z.object({
  atMs: z.number().int().nonnegative(), // since session start
  line: z.string(), // as typed, or the shell-quoted argv
  argv: z.array(z.string()), // of the first exec; empty for a typed line without one (a builtin)
  via: z.enum(['exec', 'typed']),
  source: LineSource.optional(), // absent in rows of earlier versions, like the next
  confidence: z.number().min(0).max(1).optional(), // share of lines known like this one that are right to the letter
  children: z.array(z.object({ atMs: z.number().int(), argv: z.array(z.string()) })), // further execs, in order
  childCount: z.number().int(), // may exceed children.length: more than 1,000 are counted, not kept
  startup: z.boolean(), // ran before the first prompt
  exitCode: z.number().int().nullable(),
})
export type Command = z.infer<typeof Command>

/** A list as every endpoint returns it; `total` is exact up to 10,000. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable(),
    total: z.object({ value: z.number().int(), relation: z.enum(['eq', 'gte']) }),
  })
export type List<T> = { items: T[]; next: string | null; total: { value: number; relation: 'eq' | 'gte' } }
