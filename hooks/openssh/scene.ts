import type { SshdEvent } from './api.ts'
import { type Connections, newConnection } from './connections.ts'
import type { LocalSessions } from './local-sessions.ts'
import type { SecondFactors } from './second-factors.ts'
import type { SftpServers } from './sftp-servers.ts'
import type { Connection } from './state.ts'
import { asTyped } from './written-text.ts'

/** One line as the steps see it: what is remembered, and where their events go. */
export type Scene = {
  bastion: string
  host: string
  /** The process, with its host; '' where the line names none. */
  pid: string
  preauth: boolean
  nowMs: number
  readonly at: string
  /** Id of the next event of this line. */
  nextId(): string
  connections: Connections
  sftpServers: SftpServers
  secondFactors: SecondFactors
  localSessions: LocalSessions
  events: SshdEvent[]
}

/** Whose event it is. */
export type About = Pick<Connection, 'ip' | 'port' | 'connectionId' | 'user'>

export const pidKey = (host: string, pid: string): string => (pid === '' ? '' : `${host} ${pid}`)

export const emit = (
  scene: Scene,
  kind: SshdEvent['kind'],
  about: About,
  fields: Record<string, unknown>,
  said: { id: string; at: string } | null = null,
): void => {
  scene.events.push({
    id: said?.id ?? scene.nextId(),
    at: said?.at ?? scene.at,
    kind,
    source: 'openssh',
    bastion: scene.bastion,
    user: about.user === null ? null : asTyped(about.user).slice(0, 256),
    sourceIp: about.ip,
    sourcePort: about.port,
    target: scene.bastion,
    connectionId: about.connectionId,
    ...fields,
  })
}

/** The process number was given to another connection, or its log was lost. */
const isAnother = (known: Connection, ip: string | null | undefined, port: number | null): boolean =>
  typeof ip === 'string' &&
  known.ip !== null &&
  (known.ip !== ip || (port !== null && known.port !== null && known.port !== port))

/** The connection that a line speaks of. `ip` undefined: the line does not say. */
export const findConnection = (
  scene: Scene,
  ip: string | null | undefined,
  port: number | null,
  release: (connection: Connection) => void,
): Connection | undefined => {
  const ofPid = scene.connections.ofPid(scene.pid)
  if (ofPid && isAnother(ofPid, ip, port)) release(ofPid)
  const found = scene.connections.ofPid(scene.pid) ?? scene.connections.ofAddress(scene.host, ip, port)
  if (!found) return undefined
  scene.connections.addPid(found, scene.pid)
  if (found.port === null && typeof ip === 'string') {
    found.ip = ip
    found.port = port
    scene.connections.index(found)
  }
  scene.connections.touch(found, scene.nowMs)
  return found
}

export const openConnection = (scene: Scene, ip: string | null, port: number | null): Connection => {
  const connection = newConnection(scene.host, ip, port, scene.nowMs)
  scene.connections.add(connection)
  scene.connections.addPid(connection, scene.pid)
  return connection
}
