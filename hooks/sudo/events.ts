import { quote } from 'shell-quote'
import type { HookEvent, Origin } from '#hooks/hook.ts'
import type { CommandInfo } from './command-info.ts'
import { originOf } from './opening.ts'

const iso = (atMs: number): string => new Date(atMs).toISOString()

const about = ({ user, target, sourceIp, sourcePort, connectionId }: Origin) => ({
  source: 'sudo',
  user,
  target,
  sourceIp,
  sourcePort,
  connectionId,
})

const commandOf = (info: CommandInfo) => {
  const argv = info.argv.length > 0 ? info.argv : info.command === null ? [] : [info.command]
  return { argv, line: quote(argv), runAs: info.runUser === info.submitUser ? null : info.runUser }
}

/** sudo's policy refused a command: to become another user, or to run it as oneself. */
export const refusalEvent = (info: CommandInfo, reason: string, atMs: number): HookEvent => {
  const origin = originOf(info)
  const common = { at: iso(atMs), ...about(origin), outcome: 'failure', reason, ...commandOf(info) }
  return origin.runAs === null || origin.runAs === origin.user
    ? { kind: 'command', ...common, exitCode: null, via: 'exec', atMs: 0 }
    : { kind: 'privilege_change', ...common, method: 'sudo', fromUser: origin.user, toUser: origin.runAs }
}

/** sudo's policy met a problem of its own: it cannot read a rule, a rule names what does not exist. */
export const alertEvent = (origin: Origin, reason: string, atMs: number): HookEvent => ({
  kind: 'posture',
  at: iso(atMs),
  ...about(origin),
  check: 'sudo-policy',
  status: 'warn',
  detail: { reason },
})

/** A command that sudo reports without recording it: its policy logs no input and no output. */
export const unrecordedStart = (info: CommandInfo, sessionId: string, atMs: number): HookEvent[] => {
  const common = { at: iso(atMs), ...about(originOf(info)), sessionId }
  return [
    {
      kind: 'session_started',
      ...common,
      runAs: info.runUser,
      outcome: 'success',
      protocol: 'ssh',
      tty: info.tty !== null,
      recorded: false,
    },
    unrecordedCommand(info, sessionId, atMs, 0),
  ]
}

export const unrecordedCommand = (info: CommandInfo, sessionId: string, atMs: number, sinceMs: number): HookEvent => ({
  kind: 'command',
  at: iso(atMs),
  ...about(originOf(info)),
  sessionId,
  outcome: 'success',
  ...commandOf(info),
  exitCode: null,
  via: 'exec',
  atMs: sinceMs,
})

/** `exitCode` null: not said. sudo 1.9.13 just closes the connection when such a command ends. */
export const unrecordedEnd = (
  origin: Origin,
  sessionId: string,
  atMs: number,
  end: { durationMs: number; exitCode: number | null; exitSignal: string | null },
): HookEvent => ({
  kind: 'session_ended',
  at: iso(atMs),
  ...about(origin),
  sessionId,
  ...end,
  outBytes: 0,
  inBytes: 0,
  recorded: false,
})

/** Somebody who is not allowed to spoke to the port, or tried to. `uid` null: gone before it could be identified. */
export const refusedPeerEvent = (uid: number | null, attempts: number, atMs: number): HookEvent => ({
  kind: 'recorder_health',
  at: iso(atMs),
  source: 'sudo',
  status: 'tampered',
  uid,
  attempts,
  detail:
    uid === null
      ? `${attempts} connection(s) to the sudo log server from processes that could not be identified: refused`
      : `${attempts} connection(s) to the sudo log server from uid ${uid}, which is not allowed to speak to it: refused`,
})
