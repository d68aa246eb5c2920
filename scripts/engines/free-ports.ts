import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

// Below Linux's default range for outgoing connections (32768 and up): a broker that is killed and started again must find
// its port, and a client that keeps trying a closed port of that range can, now and then, connect to itself.
const lowest = 20_000
const highest = 32_000

const bind = async (port: number): Promise<Server | null> => {
  const server = createServer()
  const bound = once(server, 'listening').then(
    () => server,
    () => null,
  )
  server.listen(port, '127.0.0.1')
  return bound
}

/** Different TCP ports of 127.0.0.1 that nobody uses now. */
export const freePorts = async (count: number): Promise<number[]> => {
  const held = new Map<number, Server>()
  for (let attempt = 0; held.size < count && attempt < 1000; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    const server = held.has(port) ? null : await bind(port)
    if (server !== null) held.set(port, server)
  }
  await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))))
  if (held.size < count) throw new Error(`no ${count} free ports of 127.0.0.1 between ${lowest} and ${highest}`)
  return [...held.keys()]
}
