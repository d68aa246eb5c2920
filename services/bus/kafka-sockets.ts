import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const keepAliveMs = 60_000

/** As the library's own, but without Nagle's delay, and for as many requests as wait for one connection. */
const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const name = isIP(host) === 0 ? { servername: host } : {}
  const socket = ssl
    ? connectTls({ host, port, ...name, ...(ssl as ConnectionOptions) }, onConnect)
    : connectTcp({ host, port }, onConnect)
  return socket.setNoDelay(true).setKeepAlive(true, keepAliveMs).setMaxListeners(0)
}

export type Sockets = {
  open: ISocketFactory
  /** Closes all of them for good: what the library still tries on its own, after it was told to stop, connects no more. */
  end(): void
}

export const createSockets = (): Sockets => {
  const all = new Set<Socket>()
  let isEnded = false
  return {
    open: (wanted) => {
      if (isEnded) throw new Error('this client was closed')
      const socket = openSocket(wanted)
      all.add(socket)
      return socket.once('close', () => all.delete(socket))
    },
    end: () => {
      isEnded = true
      for (const socket of all) socket.destroy(new Error('this client was closed'))
    },
  }
}
