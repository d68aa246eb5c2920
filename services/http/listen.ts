import type { AddressInfo, Server } from 'node:net'
import { BartizanError } from '../errors.ts'

/** The port, once it listens. `setting`: the one that chooses the port. @throws BTZ_PORT_IN_USE */
export const listen = (
  server: Server,
  { what, host, port, setting }: { what: string; host: string; port: number; setting: string },
): Promise<number> =>
  new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(
        new BartizanError('BTZ_PORT_IN_USE', `${what} cannot listen on ${host}:${port}: ${cause.message}`, {
          hint: `stop what listens there, or choose another with ${setting} (0 = any free port)`,
          cause,
        }),
      )
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve((server.address() as AddressInfo).port)
    })
  })
