import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A connection that its client wants to speak WebSocket on; `head`: what it said already. */
export type Upgrade = { socket: Duplex; head: Buffer }

/** A request that nobody takes or answers within it is cut. */
const undecidedMs = 15_000
const undecided = new WeakMap<IncomingMessage, Upgrade>()

export const wantsWebSocket = ({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'

/**
 * A request for a WebSocket passes the app like any other, so that who asks, and what they may see, is asked at one place;
 * a route takes its connection with `takeUpgrade`, or it is answered and closed. To be used with a server whose
 * `shouldUpgradeCallback` is `wantsWebSocket`.
 */
export const serveUpgrades = (server: Server, app: RequestListener): void => {
  server.on('upgrade', (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    const socket = duplex as Socket // of an http.Server
    const response = new ServerResponse(request)
    const timer = setTimeout(() => {
      if (undecided.has(request)) socket.destroy()
    }, undecidedMs).unref()
    socket.on('error', () => socket.destroy())
    socket.once('close', () => clearTimeout(timer))
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.once('finish', () => {
      undecided.delete(request)
      socket.destroySoon()
    })
    undecided.set(request, { socket, head })
    app(request, response)
  })
}

/** From now on the connection is the caller's, and the response says nothing any more. Null: the client asked for none. */
export const takeUpgrade = (request: IncomingMessage, response: ServerResponse): Upgrade | null => {
  const upgrade = undecided.get(request)
  if (!upgrade) return null
  undecided.delete(request)
  response.detachSocket(upgrade.socket as Socket)
  return upgrade
}
