import { once } from 'node:events'
import { connect } from 'node:net'
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { createFrameReader, frame } from '#hooks/sudo/framing.ts'
import { fromNs, toNs } from '#hooks/sudo/time-spec.ts'
import { ClientMessageSchema, ServerMessageSchema } from '#services/schema/generated/log_server_pb.ts'
import { until } from './until.ts'

/** What a client says, as protobuf-es takes it. */
export type SudoMessage = NonNullable<MessageInitShape<typeof ClientMessageSchema>['type']>
export type Infos = Record<string, string | number | string[] | null>
export type IoKind = 'ttyinBuf' | 'ttyoutBuf' | 'stdinBuf' | 'stdoutBuf' | 'stderrBuf'

export const encodeClientMessage = (type: SudoMessage): Buffer =>
  frame(toBinary(ClientMessageSchema, create(ClientMessageSchema, { type })))

const infoOf = ([key, value]: [string, Infos[string]]) => {
  if (value === null) return { key }
  if (typeof value === 'string') return { key, value: { case: 'strval' as const, value } }
  if (typeof value === 'number') return { key, value: { case: 'numval' as const, value: BigInt(value) } }
  return { key, value: { case: 'strlistval' as const, value: { strings: value } } }
}

/** The keys a real sudo sends for a login shell over ssh; what is given replaces or adds. `null`: a key without a value. */
export const loginInfos = (overrides: Infos = {}): Infos => ({
  columns: 80,
  command: '/bin/bash',
  lines: 24,
  runargv: ['-bash'],
  runenv: ['TERM=xterm', 'SSH_CONNECTION=192.0.2.7 50122 192.0.2.1 22', 'SSH_TTY=/dev/pts/3'],
  runuid: 1001,
  runuser: 'alice',
  submitcwd: '/home/alice',
  submithost: 'bastion.example',
  submituser: 'alice',
  ttyname: '/dev/pts/3',
  ...overrides,
})

const now = () => ({ tvSec: BigInt(Math.floor(Date.now() / 1000)), tvNsec: (Date.now() % 1000) * 1_000_000 })

/**
 * The client's side of the log server protocol, for tests and load. Counts its own elapsed sum, as sudo does, and
 * collects what the server says. Nothing waits by itself: `await greeted()` before the accept where the order matters.
 */
export type SudoClient = ReturnType<typeof clientOn>

export const connectSudoClient = async (
  port: number,
  { host = '127.0.0.1', clientId = 'sudoers 1.9.13p3' }: { host?: string; clientId?: string | null } = {},
): Promise<SudoClient> => {
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true })
  await once(socket, 'connect')
  const client = clientOn(socket)
  if (clientId !== null) client.say({ case: 'helloMsg', value: { clientId } })
  return client
}

const clientOn = (socket: ReturnType<typeof connect>) => {
  const heard = {
    serverId: null as string | null,
    subcommands: false,
    logIds: [] as string[],
    commitsNs: [] as bigint[],
    errors: [] as string[],
    aborts: [] as string[],
    closed: false, // the server has closed, or the connection broke
  }
  let elapsedNs = 0n
  const reader = createFrameReader()
  const hear = (bytes: Uint8Array): void => {
    const { type } = fromBinary(ServerMessageSchema, bytes)
    if (type.case === 'hello')
      Object.assign(heard, { serverId: type.value.serverId, subcommands: type.value.subcommands })
    if (type.case === 'logId') heard.logIds.push(type.value)
    if (type.case === 'commitPoint') heard.commitsNs.push(toNs(type.value))
    if (type.case === 'error') heard.errors.push(type.value)
    if (type.case === 'abort') heard.aborts.push(type.value)
  }
  socket.on('data', (chunk) => {
    reader.push(chunk)
    for (let bytes = reader.next(); bytes !== null; bytes = reader.next()) hear(bytes)
  })
  socket.on('error', () => {})
  socket.on('end', () => {
    heard.closed = true
    socket.end()
  })
  socket.on('close', () => {
    heard.closed = true
  })

  const say = (message: SudoMessage): boolean => socket.writable && socket.write(encodeClientMessage(message))
  const infoMsgs = (infos: Infos) => Object.entries(infos).map(infoOf)
  const wait = (what: string, condition: () => boolean, limitMs = 10_000): Promise<void> =>
    until(condition, { what, limitMs })

  return {
    heard,
    socket,
    say,
    sayRaw: (bytes: Uint8Array): boolean => socket.write(bytes),
    /** Sum of all delays sent, from the resume point on after a restart. */
    get elapsedNs() {
      return elapsedNs
    },
    /** The highest commit point heard: everything up to here is safe, says the server. */
    get acknowledgedNs() {
      return heard.commitsNs.at(-1) ?? 0n // they only grow
    },
    accept: (infos: Infos = loginInfos(), { expectIobufs = true, submitTime = now() } = {}) =>
      say({ case: 'acceptMsg', value: { submitTime, expectIobufs, infoMsgs: infoMsgs(infos) } }),
    reject: (reason: string, infos: Infos = loginInfos()) =>
      say({ case: 'rejectMsg', value: { submitTime: now(), reason, infoMsgs: infoMsgs(infos) } }),
    alert: (reason: string, infos: Infos = {}) =>
      say({ case: 'alertMsg', value: { alertTime: now(), reason, infoMsgs: infoMsgs(infos) } }),
    restart: (logId: string, resumePointNs: bigint) => {
      elapsedNs = resumePointNs
      return say({ case: 'restartMsg', value: { logId, resumePoint: fromNs(resumePointNs) } })
    },
    io: (kind: IoKind, data: Uint8Array | string, delayNs = 1_000_003n) => {
      elapsedNs += delayNs
      return say({
        case: kind,
        value: { delay: fromNs(delayNs), data: typeof data === 'string' ? Buffer.from(data) : data },
      })
    },
    winsize: (rows: number, cols: number, delayNs = 1_000_003n) => {
      elapsedNs += delayNs
      return say({ case: 'winsizeEvent', value: { delay: fromNs(delayNs), rows, cols } })
    },
    suspend: (signal: string, delayNs = 1_000_003n) => {
      elapsedNs += delayNs
      return say({ case: 'suspendEvent', value: { delay: fromNs(delayNs), signal } })
    },
    exit: ({ exitValue = 0, signal = '', dumpedCore = false, error = '' } = {}) =>
      say({ case: 'exitMsg', value: { runTime: fromNs(elapsedNs), exitValue, signal, dumpedCore, error } }),
    greeted: () => wait('ServerHello', () => heard.serverId !== null),
    logId: async (): Promise<string> => {
      await wait('log id', () => heard.logIds.length > 0)
      return heard.logIds[0]!
    },
    /** Resolves when the server has said that all of it is safe, as sudo waits for it after its exit. */
    committed: (limitMs?: number) => wait('final commit point', () => heard.commitsNs.at(-1) === elapsedNs, limitMs),
    closed: (limitMs?: number) => wait('close by the server', () => heard.closed, limitMs),
    /** When what was said has left for the kernel: for load that must not pile up here. */
    flushed: async (): Promise<void> => {
      if (socket.writableNeedDrain) await once(socket, 'drain')
    },
    finishTalking: () => socket.end(),
    vanish: () => socket.destroy(),
  }
}
