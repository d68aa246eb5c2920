import { createServer, type Socket } from 'node:net'
import type { Recorder } from '#hooks/hook.ts'
import { listen } from '#hooks/listen.ts'
import { findPeer, peerOf } from '#hooks/sudo/peer.ts'
import { createTtyProbe } from '#hooks/sudo/tty-probe.ts'
import type { Config } from '#services/config.ts'
import type { Logger } from '#services/log.ts'
import { type ClientSession, serveClient } from './client-session.ts'
import { say } from './control.ts'

export type ScriptHook = {
  readonly port: number
  readonly openSessions: number
  probe(): { listening: boolean; lastError: string | null }
  /** No new recording is taken; open ones go on. */
  stopAccepting(): void
  /** Ends what is still open, with `text` for its users; resolves when every session has its durable end. */
  close(text: string): Promise<void>
}

const host = '127.0.0.1'
const idleOpenMs = 10_000
const lingerMs = 2_000
const uncheckedPeers = 64

/**
 * Listens for `bartizan record`. Who records is who owns the socket, as the kernel says; nothing is read before that is
 * known.
 * @throws BTZ_PORT_IN_USE
 */
export const startScriptHook = async (options: {
  config: Config
  recorder: Recorder
  log: Logger
  /** A listening socket that a service manager holds for us; undefined: there is none. */
  listenFd?: number | undefined
}): Promise<ScriptHook> => {
  const { config, recorder, log } = options
  const open = new Map<ClientSession, number>()
  const ttyProbe = config.agent.masking.ttyProbe === 'auto' ? createTtyProbe(log) : null

  const refusal = (uid: number): string | null => {
    const own = [...open.values()].filter((owner) => owner === uid).length
    if (open.size >= config.script.maxSessions) return 'too many sessions are being recorded on this host'
    return own >= config.script.maxSessionsPerUser ? 'you have too many recordings open at once' : null
  }
  const admit = async (socket: Socket): Promise<void> => {
    const uid = (await peerOf(findPeer, socket))?.uid
    if (uid === undefined) return void socket.destroy()
    const text = refusal(uid)
    if (text !== null) {
      log.warn({ uid, text }, 'a recording of script was refused')
      say(socket, { type: 'refused', text })
      setTimeout(() => socket.destroy(), lingerMs) // the client looks first whose socket this is
      return
    }
    const session = serveClient(socket, { uid, recorder, probe: ttyProbe, idleOpenMs, log })
    open.set(session, uid)
    await session.closed
    open.delete(session)
  }

  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    admit(socket).catch((error: unknown) => {
      log.error({ err: error }, 'a recording of script failed')
      socket.destroy()
    })
  })
  server.maxConnections = config.script.maxSessions + uncheckedPeers
  const hint = 'set script.port (BARTIZAN_SCRIPT_PORT) to use another one'
  const at = { what: 'bartizan record', host, port: config.script.port, fd: options.listenFd, hint }
  const port = await listen(server, at)
  let lastError: string | null = null
  server.on('error', (error) => {
    lastError = error.message
    log.error({ err: error }, 'script hook')
  })
  return {
    port,
    get openSessions() {
      return open.size
    },
    probe: () => ({ listening: server.listening, lastError }),
    stopAccepting: () => void server.close(),
    close: async (text) => {
      server.close()
      for (const session of open.keys()) session.abort(text)
      await Promise.all([...open.keys()].map(({ closed }) => closed))
      ttyProbe?.close()
    },
  }
}
