import { readFile } from 'node:fs/promises'
import { connect as connectTcp, isIP } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { SyslogSinkSettings } from '../schema/sink-settings.ts'
import type { Dial } from './syslog-connection.ts'

const fileOf = (path: string | undefined): Promise<Buffer | undefined> =>
  path === undefined ? Promise.resolve(undefined) : readFile(path)

/** Read at every connect, so that a renewed certificate needs no restart. The server's name is always checked. */
const tlsOptions = async (settings: SyslogSinkSettings): Promise<ConnectionOptions> => {
  const { host, port, serverName, caFile, certFile, keyFile } = settings
  const name = serverName ?? host
  return {
    host,
    port,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ca: await fileOf(caFile),
    cert: await fileOf(certFile),
    key: await fileOf(keyFile),
  }
}

export const syslogDial = (settings: SyslogSinkSettings): Dial => {
  const { host, port } = settings
  if (settings.transport === 'tcp')
    return async () => ({ socket: connectTcp({ host, port, noDelay: true }), ready: 'connect' })
  return async () => ({ socket: connectTls(await tlsOptions(settings)), ready: 'secureConnect' })
}
