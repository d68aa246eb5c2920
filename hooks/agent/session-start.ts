import { create } from '@bufbuild/protobuf'
import type { SessionEnding, SessionOpening } from '#hooks/hook.ts'
import { maskArgv, maskCommandLine } from '#services/masking/mask-argv.ts'
import {
  EndReason,
  type SessionEnd,
  SessionEndSchema,
  type SessionStart,
  SessionStartSchema,
} from '#services/schema/generated/frame_batch_pb.ts'
import { keepEnv } from './keep-env.ts'
import type { SessionFacts } from './session-chain.ts'

const maxCommandChars = 64 * 1024

export const factsOf = (opening: SessionOpening, parentId: string | null): SessionFacts => ({
  hook: opening.hook,
  startedAtMs: opening.startedAtMs,
  user: opening.user,
  runAs: opening.runAs,
  target: opening.target,
  sourceIp: opening.sourceIp,
  sourcePort: opening.sourcePort,
  connectionId: opening.connectionId,
  parentId,
  tty: opening.tty !== null,
})

/** What batch 0 says: secrets on command lines replaced, of the environment only allowed names. */
export const startMessage = (opening: SessionOpening, parentId: string | null, envKeep: string[]): SessionStart =>
  create(SessionStartSchema, {
    atMs: BigInt(opening.startedAtMs),
    hook: opening.hook,
    user: opening.user,
    runAs: opening.runAs ?? '',
    target: opening.target ?? '',
    sourceIp: opening.sourceIp ?? '',
    sourcePort: opening.sourcePort ?? 0,
    connectionId: opening.connectionId ?? '',
    parentId: parentId ?? '',
    tty: opening.tty ?? '',
    rows: opening.rows ?? 0,
    cols: opening.cols ?? 0,
    argv: maskArgv(opening.argv),
    cwd: opening.cwd ?? '',
    env: keepEnv(opening.env, envKeep),
    originalCommand: maskCommandLine(opening.originalCommand ?? '')
      .slice(0, maxCommandChars)
      .toWellFormed(),
    client: opening.client,
  })

const reasons: Record<SessionEnding['reason'], EndReason> = {
  exit: EndReason.EXIT,
  recorder_killed: EndReason.RECORDER_KILLED,
  truncated: EndReason.TRUNCATED,
  aborted: EndReason.ABORTED,
}

/** A source that hands over late what it stored (sudo's store_first) says how long the session ran. */
const endedAtMs = ({ runTimeNs }: SessionEnding, startedAtMs: number, nowMs: number): number =>
  runTimeNs > 0n ? Math.min(nowMs, startedAtMs + Number(runTimeNs / 1_000_000n)) : nowMs

export const endMessage = (ending: SessionEnding, startedAtMs: number, nowMs: number): SessionEnd =>
  create(SessionEndSchema, {
    atMs: BigInt(endedAtMs(ending, startedAtMs, nowMs)),
    reason: reasons[ending.reason],
    ...(ending.exitCode !== null && { exitCode: ending.exitCode }),
    signal: ending.signal ?? '',
    dumpedCore: ending.dumpedCore,
    detail: ending.detail,
    runTimeNs: ending.runTimeNs,
  })
