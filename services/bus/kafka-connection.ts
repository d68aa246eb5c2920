import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import kafkajs from 'kafkajs'

type Connection = {
  socket?: Socket
  requestTimeout: number
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  requestQueue: { inflight: Map<number, { requestTimeout: number }>; rejectAll(error: Error): void }
  isConnected(): boolean
  connect(): Promise<boolean>
  disconnect(): Promise<boolean>
  send(protocol: object): Promise<unknown>
}
type UnderWay = WeakMap<Connection, Promise<boolean>>

const lengthBytes = 4 // of what precedes each answer

/** Who calls while it is under way waits for the same. */
const oneAtATime = (underWay: UnderWay, act: (connection: Connection) => Promise<boolean>) =>
  function (this: Connection): Promise<boolean> {
    const running = underWay.get(this) ?? act(this).finally(() => underWay.delete(this))
    underWay.set(this, running)
    return running
  }

/**
 * Once, and from a clean start. As it comes, each of two callers opens a socket, and one of these is never closed; and the
 * beginning of an answer that was cut off is taken for the beginning of the first one that comes over the next socket,
 * after which nothing on it can be read any more.
 */
const connectOnce = (prototype: Connection, opening: UnderWay): void => {
  const { connect } = prototype
  prototype.connect = oneAtATime(opening, async (connection) => {
    if (connection.isConnected()) return true
    Object.assign(connection, { chunks: [], bytesBuffered: 0, bytesNeeded: lengthBytes })
    return connect.call(connection)
  })
}

/**
 * With all that was under way on it. As it comes, a socket that is half closed goes on being read, and a request that was
 * sent in that very moment has no time limit any more.
 */
const disconnectWholly = (prototype: Connection, opening: UnderWay): void => {
  const { disconnect } = prototype
  prototype.disconnect = oneAtATime(new WeakMap(), async (connection) => {
    const { socket } = connection
    await disconnect.call(connection)
    const closed = new Error('the connection was closed')
    socket?.destroy(opening.has(connection) ? closed : undefined)
    connection.requestQueue.rejectAll(closed)
    return true
  })
}

/** A rebalance is given more time than everything else, and what is asked behind it on the same connection waits for it. */
const isWaitingLonger = ({ requestQueue, requestTimeout }: Connection): boolean =>
  [...requestQueue.inflight.values()].some((one) => one.requestTimeout > requestTimeout)

/**
 * A peer that does not answer may be gone without a word: only another connection can tell. As it comes, each request times
 * out on the same one until the system gives it up, after a quarter of an hour (tulios/kafkajs issue 919).
 */
const dropTheSilent = (prototype: Connection): void => {
  const { send } = prototype
  prototype.send = async function (protocol) {
    try {
      return await send.call(this, protocol)
    } catch (error) {
      const isSilent = error instanceof Error && error.name === 'KafkaJSRequestTimeoutError'
      if (!isSilent || isWaitingLonger(this)) throw error
      this.socket?.destroy(error)
      // Of this kind, so that the library turns to another broker.
      throw new kafkajs.KafkaJSConnectionError(error.message)
    }
  }
}

/** kafkajs 2.2.4 loses connections for good when a broker is killed or cut off in the middle of something. */
export const mendConnections = (): void => {
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/network/connection') as { prototype: Connection }
  const opening: UnderWay = new WeakMap()
  connectOnce(prototype, opening)
  disconnectWholly(prototype, opening)
  dropTheSilent(prototype)
}
