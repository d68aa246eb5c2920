import type { Credential, World } from './model.ts'
import type { Random } from './random.ts'
import type { Emit } from './stream.ts'
import { minuteMs } from './zone.ts'

export type Command = {
  line: string
  runAs?: string
  typed?: boolean
  exitCode?: number
  elevates?: { method: string; toUser: string }
}
export type Transfer = {
  direction: 'download' | 'upload'
  sizeBytes: number
  fileCount: number
  path: string
  protocol: string
}
type Forward = { direction: 'local' | 'remote' | 'dynamic'; destHost: string; destPort: number }

/** `start`, `end`: what the recorder said of it; null = it said nothing. */
export type Visit = {
  user: string
  ip: string
  bastion: string
  target: string
  at: number
  credential: Credential
  tty: boolean
  durationMs: number
  commands?: Command[]
  transfers?: Transfer[]
  forwards?: Forward[]
  outBytes?: number
  start?: 'recorded' | 'unrecorded' | null
  end?: 'recorded' | 'unrecorded' | null
  startLateMs?: number
}
export type Seen = { sessionId: string; fromMs: number; toMs: number }

/** UUIDv7 of that instant. */
const sessionIdOf = (random: Random, ms: number) => {
  const time = Math.floor(ms).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.hex(3)}-${random.pick(['8', '9', 'a', 'b'])}${random.hex(3)}-${random.hex(12)}`
}

/** Words of a line, quotes taken off; redirections and pipes stay words. */
const wordsOf = (line: string): string[] =>
  (line.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? []).map((word) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, a, b) => a ?? b ?? ''),
  )

const shellOnly = /[|<>;&]|^(cd|history|export|alias|source|unset|set|ulimit|exit)\b/

type Sender = { user: string; bastion: string }

const writeLogin = (emit: Emit, base: Sender, { at, credential }: Visit) =>
  emit({
    kind: 'login',
    at,
    source: 'openssh',
    ...base,
    target: base.bastion,
    outcome: 'success',
    method: credential.method,
    keyFingerprint: credential.fingerprint,
    mfa: credential.mfa,
    clientVersion: credential.client,
  })

const writeStart = (emit: Emit, base: Sender, visit: Visit, at: number, start: 'recorded' | 'unrecorded') =>
  emit({
    kind: 'session_started',
    at,
    ...base,
    source: start === 'recorded' ? 'sudo' : 'openssh',
    protocol: 'ssh',
    tty: visit.tty,
    recorded: start === 'recorded',
    ...(visit.startLateMs ? { lateMs: visit.startLateMs } : {}),
  })

export const writeVisit = (random: Random, emit: Emit, visit: Visit): Seen => {
  const { user, ip, bastion, target, at, durationMs } = visit
  const { start = 'recorded', end = 'recorded', commands = [], transfers = [], forwards = [] } = visit
  const sessionId = sessionIdOf(random, at)
  const base = { bastion, user, sourceIp: ip, sourcePort: random.int(1025, 65535), sessionId }
  const recorder = { ...base, target, source: 'sudo' }
  writeLogin(emit, base, visit)
  const startedAt = at + random.int(300, 2500)
  const until = Math.max(at + durationMs, startedAt + random.int(200, 900))
  if (start !== null) writeStart(emit, recorder, visit, startedAt, start)
  const room = Math.max(500, until - startedAt - 1000)
  const moments = (count: number) =>
    Array.from({ length: count }, () => startedAt + 200 + random.next() * room).sort((a, b) => a - b)
  const times = moments(commands.length)
  for (const [i, command] of commands.entries()) writeCommand(emit, recorder, command, times[i]!, startedAt)
  const transferTimes = moments(transfers.length)
  transfers.forEach((transfer, i) => {
    emit({
      kind: 'file_transfer',
      at: transferTimes[i]!,
      ...recorder,
      source: transfer.protocol === 'sftp' ? 'openssh' : 'sudo',
      outcome: 'success',
      ...transfer,
    })
  })
  for (const forward of forwards)
    emit({ kind: 'port_forward', at: at + random.int(3000, 60_000), ...base, target, source: 'openssh', ...forward })
  if (end !== null) writeEnd(random, emit, visit, recorder, until, startedAt)
  return { sessionId, fromMs: at, toMs: until }
}

const writeCommand = (
  emit: Emit,
  recorder: Sender & { source: string },
  command: Command,
  at: number,
  startedAt: number,
) => {
  const typed = command.typed ?? shellOnly.test(command.line)
  const sudo = /^sudo\b/.test(command.line)
  const asked = sudo ? (/^sudo (?:-\w+ )*-u (\S+)/.exec(command.line)?.[1] ?? 'root') : null
  emit({
    kind: 'command',
    at,
    ...recorder,
    argv: wordsOf(command.line),
    line: command.line,
    runAs: command.runAs ?? asked,
    exitCode: command.exitCode ?? 0,
    via: typed ? 'typed' : 'exec',
    atMs: Math.max(0, Math.round(at - startedAt)),
  })
  if (command.elevates)
    emit({
      kind: 'privilege_change',
      at: at + 40,
      ...recorder,
      outcome: 'success',
      method: command.elevates.method,
      fromUser: recorder.user,
      toUser: command.elevates.toUser,
    })
}

const writeEnd = (
  random: Random,
  emit: Emit,
  visit: Visit,
  recorder: Sender & { source: string },
  until: number,
  startedAt: number,
) => {
  const { commands = [], transfers = [] } = visit
  const sum = (direction: string) =>
    transfers
      .filter((transfer) => transfer.direction === direction)
      .reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  const chatter = visit.tty ? random.logNormal(12_000 + commands.length * 3000, 0.9) : random.logNormal(1500, 0.7)
  const durationMs = Math.round(until - startedAt)
  emit({
    kind: 'session_ended',
    at: until,
    ...recorder,
    source: visit.end === 'unrecorded' ? 'openssh' : 'sudo',
    durationMs,
    outBytes: Math.round(chatter + sum('download') * 1.02 + (visit.outBytes ?? 0)),
    inBytes: Math.round(chatter / 12 + sum('upload') * 1.02),
    maxIdleMs: visit.tty ? Math.round(Math.min(durationMs, random.logNormal(4 * minuteMs, 0.8))) : null,
    exitCode: random.chance(0.93) ? 0 : random.pick([1, 130, 255]),
    exitSignal: null,
    recorded: visit.end !== 'unrecorded',
  })
}

/** Is the recorder of that bastion away then, or within the hour? */
export const isDown = (world: World, bastion: string, ms: number, marginMs = 60 * minuteMs) =>
  world.windows.some((window) => window.bastion === bastion && ms > window.from - marginMs && ms < window.to + minuteMs)
