import { hash } from 'node:crypto'
import { isIP } from 'node:net'

/** The two ends of an ssh connection, as sshd writes them into SSH_CONNECTION and into its log. */
export type ConnectionTuple = { clientIp: string; clientPort: number; serverIp: string; serverPort: number }

const port = (text: string | undefined): number | null => {
  if (text === undefined || !/^[0-9]{1,5}$/.test(text)) return null
  const value = Number(text)
  return value >= 1 && value <= 65_535 ? value : null
}

/** An address as events carry it; null: it is none. ::ffff:a.b.c.d, as some write it for a v6 listener, is a.b.c.d. */
export const canonicalIp = (text: string | undefined): string | null => {
  if (text === undefined || text.length > 64 || isIP(text) === 0) return null
  return text.toLowerCase().replace(/^::ffff:(?=[0-9]+\.)/, '')
}

/** `<client ip> <client port> <server ip> <server port>`, or null where it is anything else. */
export const parseSshConnection = (text: string | undefined): ConnectionTuple | null => {
  if (text === undefined || text.length > 200) return null
  const parts = text.split(' ')
  const clientIp = canonicalIp(parts[0])
  const clientPort = port(parts[1])
  const serverIp = canonicalIp(parts[2])
  const serverPort = port(parts[3])
  if (parts.length !== 4 || !clientIp || !clientPort || !serverIp || !serverPort) return null
  return { clientIp, clientPort, serverIp, serverPort }
}

/** Equal for everything that belongs to one ssh connection, whichever source saw it. 32 hex digits. */
export const connectionId = ({ clientIp, clientPort, serverIp, serverPort }: ConnectionTuple): string =>
  hash('sha256', `bartizan-connection-v0\n${clientIp} ${clientPort} ${serverIp} ${serverPort}\n`).slice(0, 32)
