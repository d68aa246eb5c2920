import type { Server } from 'node:net'
import { BartizanError } from '#services/errors.ts'

/** `fd`: a listening socket that a service manager holds for us; `hint`: what to do where somebody else has the port. */
export type ListenAt = { what: string; host: string; port: number; fd: number | undefined; hint: string }

/** The port, once it listens. @throws BTZ_PORT_IN_USE */
export const listen = (server: Server, { what, host, port, fd, hint }: ListenAt): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') return reject(cause)
      reject(new BartizanError('BTZ_PORT_IN_USE', `${what}: ${host}:${port} is in use`, { hint, cause }))
    })
    server.listen(fd === undefined ? { host, port } : { fd }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
