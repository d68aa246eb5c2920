import { z } from 'zod'
import { LocalSession, LocalStay } from './local-sessions.ts'

/** What the parser remembers: all of it bounded, all of it JSON. */

const FailureReason = z.enum([
  'invalid_user',
  'bad_password',
  'key_rejected',
  'mfa_denied',
  'password_expired',
  'unknown',
])
export type FailureReason = z.infer<typeof FailureReason>

/** An attempt that was announced; a `Failed` line of the same connection may still name its method. */
const PendingAttempt = z.object({
  id: z.string(),
  at: z.string(),
  user: z.string(),
  method: z.string().nullable(),
  reason: FailureReason,
})
export type PendingAttempt = z.infer<typeof PendingAttempt>

/** An end that was announced; the line with the bytes is still to come. */
const PendingEnd = z.object({
  id: z.string(),
  at: z.string(),
  reason: z.string(),
})
export type PendingEnd = z.infer<typeof PendingEnd>

/** The key of a login as sshd appends it to its line. */
const KeyText = z.object({
  keyType: z.string(),
  keyFingerprint: z.string().nullable(),
  certId: z.string().nullable(),
  certSerial: z.string().nullable(),
  certCa: z.string().nullable(),
})
export type KeyText = z.infer<typeof KeyText>

const Connection = z.object({
  host: z.string(),
  ip: z.string().nullable(),
  port: z.number().nullable(),
  connectionId: z.string().nullable(),
  /** Its `Connection from` was seen: the log is VERBOSE and names everything of it. */
  verbose: z.boolean(),
  user: z.string().nullable(),
  acceptedMs: z.number().nullable(),
  lastMs: z.number(),
  /** Processes that speak of it. */
  pids: z.array(z.string()),
  channels: z.number(),
  failures: z.number(),
  /** A first factor was accepted. */
  partial: z.boolean(),
  /** The key that was the first factor. */
  partialKey: KeyText.nullable().default(null),
  /** A key of a kind that is not taken was offered. */
  keyRefused: z.boolean().default(false),
  /** It was asked for something by keyboard-interactive, or named a key that would do. */
  prompted: z.boolean(),
  /** The account exists and sshd_config or PAM turned it away. */
  turnedAway: FailureReason.nullable(),
  clientVersion: z.string().nullable(),
  outBytes: z.number(),
  inBytes: z.number(),
  reason: z.string().nullable(),
  pending: PendingAttempt.nullable(),
  ending: PendingEnd.nullable(),
})
export type Connection = z.infer<typeof Connection>

/** An sftp server: its lines carry neither port nor connection. */
const SftpServer = z.object({
  key: z.string(),
  user: z.string(),
  ip: z.string().nullable(),
  port: z.number().nullable(),
  connectionId: z.string().nullable(),
  /** Open files: true = for writing. Says what a file of no bytes was. */
  open: z.array(z.tuple([z.string(), z.boolean()])),
})
export type SftpServer = z.infer<typeof SftpServer>

/** A session that may turn out to be the one of an sftp server. */
const SftpStart = z.object({
  host: z.string(),
  user: z.string(),
  ip: z.string(),
  port: z.number(),
  connectionId: z.string().nullable(),
  atMs: z.number(),
  subsystem: z.boolean(),
})
export type SftpStart = z.infer<typeof SftpStart>

export const SshdLogState = z.object({
  version: z.literal(1),
  /** Time of the last line, for years that are not written and hours that come twice. */
  lastMs: z.number().nullable(),
  connections: z.array(Connection),
  sftpServers: z.array(SftpServer),
  sftpStarts: z.array(SftpStart),
  /** How often a line was seen in its second. */
  repeats: z.array(z.object({ lineHash: z.string(), seconds: z.number(), count: z.number() })),
  /** The line before, where it was one of sshd: the next may say that it came again. */
  before: z
    .object({ host: z.string(), program: z.string(), pid: z.string(), message: z.string(), privileged: z.boolean() })
    .nullable()
    .default(null),
  /** What PAM modules said of users, by host and user: a second factor passed (null), or why the login fails. */
  secondFactors: z.array(z.object({ key: z.string(), reason: FailureReason.nullable(), atMs: z.number() })),
  locals: z.array(LocalSession).default([]),
  stays: z.array(LocalStay).default([]),
})
export type SshdLogState = z.infer<typeof SshdLogState>
