import { basename } from 'node:path'
import type { SessionRow } from '#services/catalog/catalog.ts'
import { BartizanError } from '#services/errors.ts'
import { EndReason, type SessionEnd, type SessionStart } from '#services/schema/generated/frame_batch_pb.ts'
import { SessionId } from '#services/schema/ids.ts'
import { boundedArgv } from './commands.ts'
import { isWrappedLogin } from './wrapper.ts'

const latestMs = Date.UTC(9999, 11, 31)
const maxText = 1_024

/** @throws BTZ_BATCH_INVALID for a time that no calendar has */
export const timeOf = (ms: number): string => {
  if (Number.isFinite(ms) && ms >= 0 && ms <= latestMs) return new Date(ms).toISOString()
  throw new BartizanError('BTZ_BATCH_INVALID', `frame batch refused: a time of ${ms} ms`)
}

const orNull = (text: string): string | null => (text === '' ? null : text.slice(0, maxText).toWellFormed())
const positive = (number: number): number | null => (number > 0 ? number : null)

const sessionId = (id: string): SessionId => {
  const parsed = SessionId.safeParse(id)
  if (parsed.success) return parsed.data
  throw new BartizanError('BTZ_BATCH_INVALID', 'frame batch refused: its session id is not one')
}

const nothingKnown = {
  connectionId: null,
  parentId: null,
  runAs: null,
  target: null,
  sourceIp: null,
  sourcePort: null,
  endedAt: null,
  exitCode: null,
  exitSignal: null,
  endDetail: null,
  tty: null,
  rows: null,
  cols: null,
  durationMs: null,
  outBytes: 0,
  inBytes: 0,
} as const

/** A session whose first batch never came: what the batches themselves say. */
export const unknownRow = (id: string, bastion: string, startedAtMs: number): SessionRow => ({
  ...nothingKnown,
  id: sessionId(id),
  user: 'unknown',
  bastion,
  hook: 'unknown',
  startedAt: timeOf(startedAtMs),
  lastActivityAt: timeOf(startedAtMs),
  recorded: true,
  state: 'open',
  argv: [],
})

export const startedRow = (id: string, bastion: string, start: SessionStart): SessionRow => {
  const startedAt = timeOf(Number(start.atMs))
  return {
    ...unknownRow(id, bastion, Number(start.atMs)),
    connectionId: orNull(start.connectionId),
    parentId: orNull(start.parentId),
    user: orNull(start.user) ?? 'unknown',
    runAs: orNull(start.runAs),
    target: orNull(start.target),
    sourceIp: orNull(start.sourceIp),
    sourcePort: positive(start.sourcePort),
    hook: orNull(start.hook) ?? 'unknown',
    startedAt,
    lastActivityAt: startedAt,
    tty: orNull(start.tty),
    rows: positive(start.rows),
    cols: positive(start.cols),
    argv: boundedArgv(start.argv),
  }
}

const shells = new Set(['bash', 'sh', 'dash', 'zsh', 'fish', 'ksh', 'mksh', 'csh', 'tcsh', 'ash'])

/** A shell that reads from the terminal: what it runs is typed. Any other program is a command by itself. */
export const isInteractiveShell = (argv: readonly string[]): boolean => {
  const wrapped = isWrappedLogin(argv)
  if (wrapped !== null) return wrapped
  const [name = '', ...options] = argv
  const runsCommand = options.some((option) => /^-[a-z]*c/.test(option) || !/^[-+]/.test(option))
  return shells.has(basename(name).replace(/^-/, '')) && !runsCommand
}

// A session we ended ourselves (an order, a drain) is complete: its end is known and nothing of it is missing. Only a
// recording that was cut off is truncated.
const states: Record<EndReason, SessionRow['state']> = {
  [EndReason.UNSPECIFIED]: 'truncated',
  [EndReason.EXIT]: 'complete',
  [EndReason.ABORTED]: 'complete',
  [EndReason.RECORDER_KILLED]: 'recorder_killed',
  [EndReason.TRUNCATED]: 'truncated',
}

const joined = (parts: string[]): string | null => orNull(parts.filter((part) => part !== '').join('; '))

/** `gaps`: what is missing of the recording; a session with gaps is truncated, however it ended. */
export const endedRow = (row: SessionRow, end: SessionEnd, elapsedNs: bigint, gaps: readonly string[]): SessionRow => {
  const state = states[end.reason] ?? 'truncated'
  const runTimeNs = end.runTimeNs > 0n ? end.runTimeNs : elapsedNs
  return {
    ...row,
    state: state === 'complete' && gaps.length > 0 ? 'truncated' : state,
    endedAt: timeOf(Math.max(Number(end.atMs), Date.parse(row.startedAt))),
    exitCode: end.exitCode ?? null,
    exitSignal: orNull(end.signal),
    endDetail: joined([end.detail, ...gaps]),
    durationMs: Number(runTimeNs / 1_000_000n),
  }
}

/** What waited on its way, in a relay or on its bastion: what came of the session is old, and more of it will come. */
export const withLateness = (row: SessionRow, nowMs: number, lateAfterMs: number): SessionRow => {
  const isBehind = nowMs - Date.parse(row.lastActivityAt ?? row.startedAt) >= lateAfterMs
  return row.state === 'open' && isBehind ? { ...row, state: 'late' } : row
}

export const gapRow = (row: SessionRow, gaps: readonly string[]): SessionRow => ({
  ...row,
  endDetail: joined([row.endDetail ?? '', gaps.at(-1) ?? '']),
  state: row.state === 'complete' ? 'truncated' : row.state,
})
