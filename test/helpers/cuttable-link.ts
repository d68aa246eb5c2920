import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Teardown } from './temporary-folder.ts'

const handshakeBytes = 16_384 // more than TLS and a heartbeat take

/**
 * A way to a port of this machine that can be cut, with what is under way on it; or on which only the answers get lost,
 * of large uploads, so that nobody knows what arrived.
 */
export const cuttableLink = async (t: Teardown, port: number) => {
  const sockets = new Set<Socket>()
  let lost = 0
  let state: 'up' | 'cut' | 'deaf' = 'up'
  const server = createServer((near) => {
    if (state === 'cut') return near.destroy()
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    let sentBytes = 0
    near.on('data', (data: Buffer) => {
      sentBytes += state === 'deaf' ? data.byteLength : 0
      far.write(data)
    })
    far.on('data', (data: Buffer) => {
      if (state !== 'deaf' || sentBytes < handshakeBytes) near.write(data)
      else {
        lost++ // it arrived; what was answered is not heard
        near.destroy()
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(() => {
    drop()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    /** How many answers were lost. */
    lost: () => lost,
    set: (next: 'up' | 'cut' | 'deaf'): void => {
      state = next
      if (next === 'cut') drop()
    },
  }
}
