import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { addressColumns, createRowFinder, type Endpoint, type TcpRow } from './proc-net-tcp.ts'

/** Whose socket the other end of a connection is. `inode` leads to its process. */
export type Peer = { uid: number; inode: number }

export type PeerLookup = {
  files?: { tcp: string; tcp6: string }
  retryMs?: readonly number[]
}

// A socket that its process has closed already prints uid 0 and inode 0, so a forger who sends all at once and closes
// would pass for root: only an established socket that a process still holds says who it belongs to.
const established = '01'
const held = (row: TcpRow | null): row is TcpRow => row !== null && row.state === established && row.inode !== 0

/** Who is at the other end of a connection to us; null: it cannot be found out. */
export type FindPeer = (peer: Endpoint, self: Endpoint) => Promise<Peer | null>

/**
 * Finds the peer's own row (its local address is our remote one). The table is not read atomically and may miss a row
 * while others come and go: asked again a few times, then null.
 */
export const createPeerFinder = ({
  files = { tcp: '/proc/net/tcp', tcp6: '/proc/net/tcp6' },
  retryMs = [2, 10, 40],
}: PeerLookup = {}): FindPeer => {
  const [findTcp, findTcp6] = [createRowFinder(files.tcp), createRowFinder(files.tcp6)]
  return async (peer, self) => {
    const columns = addressColumns(peer, self)
    if (columns === null) return null
    for (const waitMs of [0, ...retryMs]) {
      if (waitMs > 0) await delay(waitMs)
      const row = (columns.tcp && (await findTcp(columns.tcp))) || (await findTcp6(columns.tcp6))
      if (held(row)) return { uid: row.uid, inode: row.inode }
    }
    return null
  }
}

export const findPeer = (peer: Endpoint, self: Endpoint, lookup: PeerLookup = {}): Promise<Peer | null> =>
  createPeerFinder(lookup)(peer, self)

/** Whose the other end of the connection is; null: it cannot be found out. */
export const peerOf = async (
  find: FindPeer,
  { remoteAddress, remotePort, localAddress, localPort }: Socket,
): Promise<Peer | null> => {
  if (!remoteAddress || !remotePort || !localAddress || !localPort) return null
  return find({ address: remoteAddress, port: remotePort }, { address: localAddress, port: localPort })
}
