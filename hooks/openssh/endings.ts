import { emit, type Scene } from './scene.ts'
import type { Connection, PendingEnd } from './state.ts'

/** An announced attempt of which no line says more. */
export const settlePending = (scene: Scene, connection: Connection): void => {
  const { pending } = connection
  if (pending === null) return
  connection.pending = null
  connection.failures += 1
  const { user, method, reason } = pending
  const fields = { outcome: 'failure', method, reason, keyFingerprint: null, clientVersion: connection.clientVersion }
  emit(scene, 'login_failed', { ...connection, user }, fields, pending)
}

/** The end of a connection that somebody had logged in on. */
export const endConnection = (scene: Scene, connection: Connection, end: PendingEnd): void => {
  connection.ending = null
  scene.connections.remove(connection)
  const endedMs = Date.parse(end.at)
  const { acceptedMs, outBytes, inBytes, channels, verbose } = connection
  const fields = {
    outcome: 'success',
    protocol: 'ssh',
    durationMs: acceptedMs === null ? 0 : Math.max(0, endedMs - acceptedMs),
    outBytes,
    inBytes,
    maxIdleMs: null,
    exitCode: null,
    exitSignal: null,
    recorded: false,
    reason: end.reason,
    // Below VERBOSE sshd does not say that sessions start: none is not known to be none.
    channels: verbose || channels > 0 ? channels : null,
  }
  emit(scene, 'session_ended', connection, fields, end)
}

/** Nothing more is expected of it: what was announced is said now. */
export const releaseConnection = (scene: Scene, connection: Connection): void => {
  settlePending(scene, connection)
  if (connection.ending) endConnection(scene, connection, connection.ending)
  scene.connections.remove(connection)
}
