import { connectionId } from '#services/connection-id.ts'
import type { ConnectionFact } from './connection-facts.ts'
import { endConnection, releaseConnection, settlePending } from './endings.ts'
import type { ForwardFact } from './forward-facts.ts'
import { emit, findConnection, openConnection, pidKey, type Scene } from './scene.ts'
import type { Connection, FailureReason } from './state.ts'
import { asTyped } from './written-text.ts'

type End = Extract<ConnectionFact, { type: 'end' }>

const opened = (scene: Scene, { tuple, ip, port }: Extract<ConnectionFact, { type: 'connection' }>): void => {
  for (const stale of [scene.connections.ofPid(scene.pid), scene.connections.ofAddress(scene.host, ip, port)])
    if (stale) releaseConnection(scene, stale)
  const connection = openConnection(scene, ip, port)
  connection.verbose = true
  connection.connectionId = tuple && connectionId(tuple)
}

const started = (scene: Scene, fact: Extract<ConnectionFact, { type: 'session' }>): void => {
  const known =
    fact.user === ''
      ? scene.connections.ofPid(scene.pid)
      : findConnection(scene, fact.ip, fact.port, (stale) => releaseConnection(scene, stale))
  if (known) known.channels += 1
  const about = known?.user ? known : { user: fact.user || null, ip: fact.ip, port: fact.port, connectionId: null }
  const { what, channel, tty, subsystem, forcedCommand } = fact
  const words = { what, channel, ordinal: known?.channels ?? null, subsystem, forcedCommand, ttyName: tty }
  emit(scene, 'session_started', about, {
    outcome: 'success',
    protocol: 'ssh',
    tty: tty !== null,
    recorded: false,
    ...words,
  })
  if (tty !== null || about.user === null || about.ip === null || about.port === null) return
  const { user, ip, port, connectionId: id } = about
  const place = { host: scene.host, user, ip, port, connectionId: id, atMs: scene.nowMs }
  scene.sftpServers.started({ ...place, subsystem: subsystem === 'sftp' })
}

/** An attempt that no other line tells of: keys were offered and refused, or the second factor never came. */
const silentFailure = (scene: Scene, connection: Connection | undefined, { who, peer }: End): FailureReason | null => {
  if (connection && connection.failures > 0) return null
  if (who === 'invalid') return connection?.turnedAway ?? 'invalid_user'
  if (connection?.partial) return 'mfa_denied'
  if (who !== 'preauth') return null
  const said = scene.secondFactors.take(scene.host, peer?.user ?? '', scene.nowMs)
  if (said !== null && said !== 'passed') return said
  // At VERBOSE each key that was tried has its line.
  const triedKey = connection === undefined || connection.keyRefused || !(connection.verbose || connection.prompted)
  return triedKey ? 'key_rejected' : null
}

const endedBeforeLogin = (scene: Scene, connection: Connection | undefined, end: End): void => {
  const { who, peer, last } = end
  if (connection) settlePending(scene, connection)
  const reason = last ? silentFailure(scene, connection, end) : null
  if (reason) {
    const method = reason === 'key_rejected' ? 'publickey' : null
    const about = connection ?? { ip: peer?.ip ?? null, port: peer?.port ?? null, connectionId: null }
    // What the process before login says is written down by its monitor, which escapes it once more.
    const named = peer && scene.preauth ? asTyped(peer.user) : (peer?.user ?? null)
    const user = who === null ? (connection?.user ?? null) : named
    const clientVersion = connection?.clientVersion ?? null
    const fields = { outcome: 'failure', method, reason, keyFingerprint: null, clientVersion }
    emit(scene, 'login_failed', { ...about, user }, fields)
  }
  if (connection && last) scene.connections.remove(connection)
}

/** Its start was not in this log. */
const endedUnknown = (scene: Scene, { peer, reason }: End): void => {
  if (!peer) return
  const about = { user: peer.user, ip: peer.ip, port: peer.port, connectionId: null }
  const numbers = { durationMs: 0, outBytes: 0, inBytes: 0, maxIdleMs: null, exitCode: null, exitSignal: null }
  emit(scene, 'session_ended', about, {
    outcome: 'success',
    protocol: 'ssh',
    ...numbers,
    recorded: false,
    reason,
    channels: null,
  })
}

const endedAfterLogin = (scene: Scene, connection: Connection, { reason, last }: End): void => {
  if (!last) {
    connection.reason = reason
    return
  }
  const end = connection.ending ?? { id: scene.nextId(), at: scene.at, reason: connection.reason ?? reason }
  // At VERBOSE the bytes follow, and then a last line.
  if (reason === 'connection closed' && connection.verbose) connection.ending = end
  else endConnection(scene, connection, end)
}

const ended = (scene: Scene, fact: End): void => {
  const release = (stale: Connection) => releaseConnection(scene, stale)
  const connection =
    fact.pid === undefined
      ? findConnection(scene, fact.peer?.ip, fact.peer?.port ?? null, release)
      : scene.connections.ofPid(pidKey(scene.host, fact.pid))
  const before = scene.preauth || fact.who === 'preauth' || fact.who === 'invalid' || connection?.acceptedMs === null
  if (before) endedBeforeLogin(scene, connection, fact)
  else if (connection) endedAfterLogin(scene, connection, fact)
  else if (fact.who === 'user') endedUnknown(scene, fact)
}

const closed = (scene: Scene, connection: Connection, reason: string): void => {
  if (connection.acceptedMs === null) return
  const end = connection.ending ?? { id: scene.nextId(), at: scene.at, reason: connection.reason ?? reason }
  endConnection(scene, connection, end)
}

export const onForward = (scene: Scene, { outcome, direction, destHost, destPort }: ForwardFact): void => {
  const about = scene.connections.ofPid(scene.pid) ?? { user: null, ip: null, port: null, connectionId: null }
  emit(scene, 'port_forward', about, { outcome, direction, destHost, destPort })
}

/** What only the process tells of its own connection. */
const noted = (scene: Scene, fact: Exclude<ConnectionFact, { type: 'connection' | 'session' | 'end' }>): void => {
  const connection = scene.connections.ofPid(scene.pid)
  if (!connection) return
  scene.connections.touch(connection, scene.nowMs)
  if (fact.type === 'child') scene.connections.addPid(connection, pidKey(scene.host, fact.pid))
  else if (fact.type === 'closed') closed(scene, connection, fact.reason)
  else if (fact.type === 'clientVersion') connection.clientVersion = fact.version
  else {
    connection.outBytes = fact.outBytes
    connection.inBytes = fact.inBytes
  }
}

export const onConnection = (scene: Scene, fact: ConnectionFact): void => {
  if (fact.type === 'connection') opened(scene, fact)
  else if (fact.type === 'session') started(scene, fact)
  else if (fact.type === 'end') ended(scene, fact)
  else noted(scene, fact)
}
