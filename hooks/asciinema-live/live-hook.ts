import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import ipaddr from 'ipaddr.js'
import type { Recorder } from '#hooks/hook.ts'
import { systemClock } from '#services/clock.ts'
import type { Config } from '#services/config.ts'
import { writeFileDurably } from '#services/durable-file.ts'
import { BartizanError } from '#services/errors.ts'
import { createAlisSockets } from '#services/http/alis-sockets.ts'
import { createFailureLimit } from '#services/http/failure-limit.ts'
import { listen } from '#services/http/listen.ts'
import type { Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { maxMessageBytes } from './alis-message.ts'
import { type Connection, serveStream } from './connection.ts'
import { keyOf, portFile, readKeys, type StreamKey } from './stream-keys.ts'
import { createStreams } from './streams.ts'
import { type Refusal, refusalText, secretOf } from './upgrade.ts'

export type LiveHook = {
  readonly port: number
  probe(): { listening: boolean; lastError: string | null }
  /** Clients are told to come back; their sessions stay open for the next agent. */
  close(): Promise<void>
}

export type LiveHookOptions = {
  config: Config['asciinemaLive'] & { port: number }
  /** Where keys, and the streams that are open, are kept. */
  folder: string
  /** How long a stream waits for its client. */
  graceMs: number
  recorder: Recorder
  hasRoom: () => boolean
  log: Logger
}

const limits = { helloMs: 10_000, silentMs: 45_000, messagesPerSecond: 10_000, pauseAboveBytes: 4 * 1024 * 1024 }
const requestMs = 10_000
const uncheckedPeers = 64
const lookEveryMs = 5_000
const maxClientChars = 256

const isLoopback = (host: string): boolean =>
  host === 'localhost' || (ipaddr.isValid(host) && ipaddr.parse(host).range() === 'loopback')

/** @throws BTZ_CONFIG_INVALID */
const serverFor = ({ host, certFile, keyFile }: Config['asciinemaLive']): Server => {
  const timeouts = { headersTimeout: requestMs, requestTimeout: requestMs, maxHeaderSize: 16 * 1024 }
  if (certFile !== undefined && keyFile !== undefined) {
    const read = (file: string): Buffer => {
      try {
        return readFileSync(file)
      } catch (cause) {
        throw new BartizanError('BTZ_CONFIG_INVALID', `asciinemaLive: ${file} cannot be read`, { cause })
      }
    }
    return createTlsServer({ ...timeouts, cert: read(certFile), key: read(keyFile), minVersion: 'TLSv1.2' })
  }
  if (isLoopback(host)) return createServer(timeouts)
  throw new BartizanError('BTZ_CONFIG_INVALID', `asciinemaLive.host is ${host}, without a certificate`, {
    hint: 'what is typed and the key would cross the network in the clear: set asciinemaLive.certFile and keyFile',
  })
}

const addressOf = ({ remoteAddress }: Socket): string => {
  const address = remoteAddress ?? ''
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : ''
}

/**
 * Listens for `asciinema stream --remote`: a WebSocket per stream, by a key in its path.
 * @throws BTZ_PORT_IN_USE BTZ_CONFIG_INVALID
 */
export const startLiveHook = async (options: LiveHookOptions): Promise<LiveHook> => {
  const { config, folder, recorder, hasRoom, log } = options
  const server = serverFor(config)
  await makeFolder(folder)
  const file = join(folder, 'streams.json')
  const maxOpen = 2 * config.maxStreams
  const streams = await createStreams({ recorder, file, graceMs: options.graceMs, maxOpen, now: Date.now, log })
  const failures = createFailureLimit(systemClock, { perMinute: 30, addresses: 10_000 })
  const connections = new Set<Connection>()
  const sockets = createAlisSockets(maxMessageBytes)
  let lastError: string | null = null
  let isClosed = false

  const judge = async (request: IncomingMessage): Promise<StreamKey | Refusal> => {
    const address = addressOf(request.socket)
    const retryAfterSeconds = failures.waitSeconds(address)
    if (retryAfterSeconds > 0) return { status: 429, text: 'too many wrong keys from this address', retryAfterSeconds }
    const asked = secretOf(request)
    if ('status' in asked) return asked
    const key = keyOf(await readKeys(folder), asked.secret)
    if (key === null) {
      failures.count(address)
      return { status: 401, text: 'this key is not known, or was revoked' }
    }
    const full = (text: string): Refusal => ({ status: 503, text, retryAfterSeconds: 10 })
    if (isClosed) return full('the agent of this host stops')
    if (!hasRoom()) return full('this host has no room left for recordings')
    const own = [...connections].filter(({ keyId }) => keyId === key.id).length
    if (own >= config.maxStreamsPerKey) return full('too many streams by this key')
    return connections.size >= config.maxStreams ? full('too many streams at once') : key
  }
  const refuse = (socket: Duplex, refusal: Refusal, from: string): void => {
    log.warn({ from, status: refusal.status, text: refusal.text }, 'a live stream was refused')
    socket.end(refusalText(refusal))
  }
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const from = addressOf(request.socket)
    const judged = await judge(request)
    if ('status' in judged) return refuse(socket, judged, from)
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const client = (request.headers['user-agent'] ?? 'asciinema').slice(0, maxClientChars)
      const producer = { key: judged, sourceIp: from || null, sourcePort: request.socket.remotePort ?? null, client }
      const connection = serveStream(ws, { producer, streams, limits, mayComeBack: () => !hasRoom(), log })
      connections.add(connection)
      void connection.closed.then(() => connections.delete(connection))
    })
  }

  server.maxConnections = config.maxStreams + uncheckedPeers
  server.on('request', (_request, response) => {
    response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end('asciinema streams come here\n')
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    upgrade(request, socket, head).catch((error: unknown) => {
      log.error({ err: error }, 'a live stream was not taken')
      refuse(socket, { status: 503, text: 'the log of the agent says why' }, addressOf(request.socket))
    })
  })
  const at = { what: 'live streams', host: config.host, port: config.port, setting: 'asciinemaLive.port' }
  const port = await listen(server, at)
  await writeFileDurably(portFile(folder), JSON.stringify({ port }))
  log.info({ port }, 'live streams')
  server.on('error', (error) => {
    lastError = error.message
    log.error({ err: error }, 'live streams')
  })

  const endRevoked = async (): Promise<void> => {
    const good = new Set((await readKeys(folder)).map(({ id }) => id))
    streams.revoke((keyId) => !good.has(keyId))
    for (const connection of connections)
      if (!good.has(connection.keyId)) connection.close('revoked', 'the key was revoked')
  }
  const timer = setInterval(() => {
    endRevoked().catch((error: unknown) => {
      lastError = error instanceof Error ? error.message : String(error)
      log.error({ err: error }, 'keys of live streams')
    })
  }, lookEveryMs).unref()

  const stop = async (): Promise<void> => {
    isClosed = true
    clearInterval(timer)
    server.close()
    for (const connection of connections) connection.close('agent stops', 'the agent of this host stops; come back')
    await streams.close()
    await Promise.all([...connections].map(({ closed }) => closed))
    server.closeAllConnections()
  }
  let stopped: Promise<void> | null = null
  return {
    port,
    probe: () => ({ listening: server.listening, lastError }),
    close: () => {
      stopped ??= stop()
      return stopped
    },
  }
}
