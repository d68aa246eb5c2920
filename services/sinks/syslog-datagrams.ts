import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { SinkUnavailable } from './sink.ts'
import type { SyslogTransport } from './syslog-sink.ts'

export type DatagramOptions = { host: string; port: number; timeoutMs: number }

const opened = async ({ host, port, timeoutMs }: DatagramOptions): Promise<Socket> => {
  const { address, family } = await lookup(host)
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  try {
    // Connected, so that a host which refuses the port is heard of, if late.
    socket.connect(port, address)
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) })
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}

const sent = (socket: Socket, message: Buffer): Promise<void> =>
  new Promise((resolve, reject) => socket.send(message, (error) => (error ? reject(error) : resolve())))

/** A datagram per message (RFC 5426). Nothing says whether one arrived: delivered is what the kernel took. */
export const createSyslogDatagrams = (options: DatagramOptions): SyslogTransport => {
  let socket: Socket | null = null
  let failure: Error | null = null // heard of after the datagrams that it is about
  const closeSocket = (): void => {
    socket?.removeAllListeners('error')
    socket?.on('error', () => {}) // what still comes of it is of no use
    socket?.close()
    socket = null
  }
  return {
    deliver: async (messages, signal) => {
      try {
        if (failure !== null) throw failure
        if (socket === null) {
          socket = await opened(options)
          socket.on('error', (error) => {
            failure = error
            closeSocket()
          })
          socket.unref()
        }
        for (const message of messages) {
          signal.throwIfAborted()
          if (socket === null) throw new Error('the socket was closed')
          await sent(socket, message)
        }
      } catch (cause) {
        closeSocket()
        failure = null
        const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message
        throw new SinkUnavailable(`udp ${options.host}:${options.port}: ${reason}`, null, cause)
      }
    },
    close: async () => closeSocket(),
  }
}
