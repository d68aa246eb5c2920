import { createServer, type Socket } from 'node:net'
import type { Recorder } from '#hooks/hook.ts'
import { type ListenAt, listen } from '#hooks/listen.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { version } from '#services/version.ts'
import { type Connection, serveConnection } from './connection.ts'
import { refusedPeerEvent } from './events.ts'
import { serverMessage } from './messages.ts'
import { createPeerFinder, peerOf } from './peer.ts'
import { createRefusals } from './refusals.ts'
import { createSessions } from './sessions.ts'
import { createTtyModes } from './tty-modes.ts'
import { createTurns } from './turns.ts'

const serverId = `Bartizan ${version}`
const queuedMs = 1_000
const uncheckedPeers = 64 // connections whose owner is being looked up: bounds the descriptors that strangers can take

export type SudoHook = {
  readonly port: number
  /** Connections that were refused since the start, because of who they belong to or because there were too many. */
  readonly refusedPeers: number
  /** Also those of which it is not known yet whose they are. */
  readonly openConnections: number
  /** Whether a sudo that comes now is heard. */
  probe(): { listening: boolean; lastError: string | null }
  /** No new connection is taken; open ones go on. */
  stopAccepting(): void
  /** Ends what is still open, with `text` for its users; resolves when every session has its durable end. */
  close(text?: string): Promise<void>
}

const listenAt = ({ host, port }: Config['sudo'], fd: number | undefined): ListenAt => {
  const hint = `\`ss -ltnp 'sport = :${port}'\` names it; perhaps sudo_logsrvd, or another Bartizan. Set sudo.port (BARTIZAN_SUDO_PORT) to use another one`
  return { what: 'sudo log server', host, port, fd, hint }
}

/**
 * Listens for sudo. A peer that is not allowed is closed before a byte of it is read or anything is said to it.
 * @throws BTZ_PORT_IN_USE
 */
export const startSudoHook = async (options: {
  config: Config
  recorder: Recorder
  log: Logger
  /** A listening socket that a service manager holds for us; undefined: there is none. */
  listenFd?: number | undefined
}): Promise<SudoHook> => {
  const { config, recorder, log } = options
  const connections = new Set<Connection>()
  let uncheckedCount = 0
  const sessions = createSessions(config.sudo.resumeGraceMs, log)
  const turns = createTurns()
  const findPeer = createPeerFinder()
  const refusals = createRefusals((uid, attempts) => {
    log.warn({ uid, attempts }, 'sudo port: peer refused')
    recorder
      .event(refusedPeerEvent(uid, attempts, Date.now()))
      .catch((error: unknown) => log.error({ err: error, uid, attempts }, 'refused peer not reported'))
  })

  const modeOf = config.agent.masking.ttyProbe === 'auto' ? createTtyModes(log) : null

  const admit = async (socket: Socket): Promise<void> => {
    const acceptedMs = performance.now()
    uncheckedCount += 1
    const peer = await peerOf(findPeer, socket).finally(() => {
      uncheckedCount -= 1
    })
    if (peer === null || !config.sudo.allowedUids.includes(peer.uid)) {
      if (peer !== null || acceptedMs - beganMs > queuedMs) refusals.add(peer?.uid ?? null)
      socket.destroy()
      return
    }
    if (connections.size >= config.sudo.maxConnections) {
      log.warn({ maxConnections: config.sudo.maxConnections }, 'sudo port: too many connections, one refused')
      socket.end(serverMessage.error('Bartizan: too many sessions are being recorded on this host'))
      return
    }
    const { idleHelloMs } = config.sudo
    const ttyMode = modeOf?.of(peer.inode) ?? null
    const connection = serveConnection(socket, { recorder, sessions, turns, serverId, idleHelloMs, ttyMode, log })
    connections.add(connection)
    await connection.closed
    connections.delete(connection)
  }

  // Half open: a client may have finished talking and still wait for its last commit point.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    admit(socket).catch((error: unknown) => {
      log.error({ err: error }, 'sudo connection failed')
      socket.destroy()
    })
  })
  server.maxConnections = config.sudo.maxConnections + uncheckedPeers
  server.on('drop', () => refusals.add(null))
  // A port that was held for us has a queue: who called while no agent was there, and gave up, is nobody to report.
  const beganMs = options.listenFd === undefined ? Number.NEGATIVE_INFINITY : performance.now()
  const port = await listen(server, listenAt(config.sudo, options.listenFd))
  let lastError: string | null = null
  server.on('error', (error) => {
    lastError = error.message
    log.error({ err: error }, 'sudo log server')
  })
  return {
    port,
    probe: () => ({ listening: server.listening, lastError }),
    get refusedPeers() {
      return refusals.total
    },
    get openConnections() {
      return connections.size + uncheckedCount
    },
    stopAccepting: () => void server.close(),
    close: async (text = 'the recording service stops') => {
      server.close()
      for (const connection of connections) connection.abort(text)
      await Promise.all([...connections].map(({ closed }) => closed))
      await sessions.endWaiting()
      refusals.stop()
      modeOf?.close()
    },
  }
}
