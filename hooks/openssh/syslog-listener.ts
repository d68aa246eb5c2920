import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmod, stat, unlink } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import type { LineSource, OnLines, SourceProblem } from './line-source.ts'
import { createSyslogFrames, type Frame, frameOf } from './syslog-frames.ts'

/**
 * Where a syslog daemon sends sshd's lines. Whoever can write to it can tell of logins that never were: loopback, or a
 * socket file that only our own user can open. Node has no unix datagram sockets: `unix` is a stream (syslog-ng's
 * `unix-stream()`, rsyslog's `omfwd` over TCP), and cannot stand in for /dev/log.
 */
export type SyslogAddress =
  | { transport: 'udp' | 'tcp'; host?: string; port: number }
  | { transport: 'unix'; path: string }

export type SyslogListener = LineSource & {
  /** The bound port; 0 before start, and for a socket file. */
  readonly port: number
}

const loopback = '127.0.0.1'
const maxConnections = 64
const maxWaitingDatagrams = 10_000
const maxWaitingBytes = 16 * 1024 * 1024

type OnProblem = (problem: SourceProblem) => void

/** One batch after the other, whichever sender it is of. */
const createTurn = (onLines: OnLines, onProblem: OnProblem, stop: () => void) => {
  let turn: Promise<void> = Promise.resolve()
  let stopped = false
  const halt = (): void => {
    stopped = true
  }
  const deliver = (frames: Frame[]): Promise<void> => {
    const lines = frames.map(({ text }) => text).filter((text) => text !== '')
    for (const { cutBytes } of frames)
      if (cutBytes > 0) onProblem({ reason: 'line_cut', detail: 'syslog: a message over 64 KiB', bytes: cutBytes })
    if (lines.length === 0) return turn
    turn = turn
      .then(() => (stopped ? undefined : onLines(lines, null)))
      .catch((error: unknown) => {
        halt()
        stop()
        onProblem({ reason: 'stopped', detail: `syslog: ${String(error)}` })
      })
    return turn
  }
  return { deliver, halt }
}
type Deliver = ReturnType<typeof createTurn>['deliver']

const serve = async (socket: Socket, deliver: Deliver): Promise<void> => {
  const frames = createSyslogFrames()
  for await (const chunk of socket) await deliver(frames.push(chunk as Buffer)) // nothing is read meanwhile
  const rest = frames.rest()
  if (rest) await deliver([rest])
}

/** A socket file that nobody listens on any more. */
const removeStale = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => null)
  if (!found?.isSocket()) return
  const probe = connect(path)
  const answered = await Promise.race([
    once(probe, 'connect').then(() => true),
    once(probe, 'error').then(() => false),
  ]).catch(() => false)
  probe.destroy()
  if (!answered) await unlink(path)
}

const listenStream = (address: Exclude<SyslogAddress, { transport: 'udp' }>, onProblem: OnProblem): SyslogListener => {
  const sockets = new Map<Socket, Promise<void>>()
  const server = createServer()
  server.maxConnections = maxConnections
  server.on('drop', () => onProblem({ reason: 'refused_sender', detail: `syslog: over ${maxConnections} connections` }))
  const stop = () => {
    server.close()
    for (const socket of sockets.keys()) socket.destroy()
  }
  let halt = () => {}
  const where = 'path' in address ? { path: address.path } : { host: address.host ?? loopback, port: address.port }
  return {
    get port() {
      const bound = server.address()
      return typeof bound === 'object' && bound !== null ? bound.port : 0
    },
    start: async (onLines) => {
      const turns = createTurn(onLines, onProblem, stop)
      halt = turns.halt
      server.on('connection', (socket) => {
        const served = serve(socket, turns.deliver)
          .catch(() => undefined) // the sender broke off: what it had sent whole was delivered
          .finally(() => void sockets.delete(socket))
        sockets.set(socket, served)
      })
      if ('path' in address) await removeStale(address.path)
      server.listen(where)
      await once(server, 'listening')
      server.on('error', (error) => onProblem({ reason: 'unreadable', detail: `syslog: ${error.message}` }))
      if ('path' in address) await chmod(address.path, 0o600)
    },
    close: async () => {
      halt()
      stop()
      await Promise.all(sockets.values())
    },
  }
}

const listenDatagrams = (host: string, port: number, onProblem: OnProblem): SyslogListener => {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' })
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let lostBytes = 0
  let busy: Promise<void> | null = null
  let boundPort = 0
  let stopped = false

  const drain = async (deliver: Deliver): Promise<void> => {
    while (waiting.length > 0 && !stopped) {
      const frames = waiting.map(frameOf)
      waiting = []
      waitingBytes = 0
      await deliver(frames)
    }
    if (lostBytes > 0)
      onProblem({ reason: 'data_lost', detail: 'syslog: datagrams came faster than they were taken', bytes: lostBytes })
    lostBytes = 0
    busy = null
  }
  const stop = () => {
    if (!stopped) socket.close()
    stopped = true
  }
  return {
    get port() {
      return boundPort
    },
    start: async (onLines) => {
      const { deliver, halt } = createTurn(onLines, onProblem, stop)
      socket.on('close', halt)
      socket.on('message', (datagram) => {
        if (waiting.length >= maxWaitingDatagrams || waitingBytes + datagram.length > maxWaitingBytes) {
          lostBytes += datagram.length
          return
        }
        waiting.push(datagram)
        waitingBytes += datagram.length
        busy ??= drain(deliver)
      })
      socket.bind(port, host)
      await once(socket, 'listening')
      socket.on('error', (error) => onProblem({ reason: 'unreadable', detail: `syslog: ${error.message}` }))
      boundPort = socket.address().port
    },
    close: async () => {
      stop()
      await busy
    },
  }
}

/** Messages of RFC 3164 and 5424 from sockets. What is not taken before a crash is lost: a socket has no memory. */
export const listenSyslog = (address: SyslogAddress, onProblem: OnProblem): SyslogListener =>
  address.transport === 'udp'
    ? listenDatagrams(address.host ?? loopback, address.port, onProblem)
    : listenStream(address, onProblem)
