import type { AuthFact } from './auth-facts.ts'
import { releaseConnection, settlePending } from './endings.ts'
import { emit, findConnection, openConnection, type Scene } from './scene.ts'
import type { Connection, FailureReason, PendingAttempt } from './state.ts'

type Attempt = Extract<AuthFact, { method: string }>

/** The connection of somebody who comes in; made where its start was not written down. */
const connectionOf = (scene: Scene, ip: string | null | undefined, port: number | null): Connection =>
  findConnection(scene, ip, port, (stale) => releaseConnection(scene, stale)) ?? openConnection(scene, ip ?? null, port)

const announce = (
  scene: Scene,
  { user, method, reason }: Pick<PendingAttempt, 'user' | 'method' | 'reason'>,
): PendingAttempt => ({ id: scene.nextId(), at: scene.at, user, method, reason })

const failureReason = (scene: Scene, connection: Connection, { invalid, method, user }: Attempt): FailureReason => {
  if (connection.turnedAway) return connection.turnedAway
  if (invalid) return 'invalid_user'
  if (method === 'publickey' || method === 'hostbased') return 'key_rejected'
  const said = scene.secondFactors.take(scene.host, user, scene.nowMs)
  if (said !== null && said !== 'passed') return said
  if (connection.partial) return 'mfa_denied'
  return method === 'password' || method === 'keyboard-interactive' || method === 'none' ? 'bad_password' : 'unknown'
}

const failed = (scene: Scene, fact: Attempt): void => {
  const connection = connectionOf(scene, fact.ip, fact.port)
  const reason = failureReason(scene, connection, fact)
  if (fact.method === 'none') {
    // By it a client asks what there is to try: it counts where nothing follows.
    if (connection.failures === 0) connection.pending = announce(scene, { user: fact.user, method: 'none', reason })
    return
  }
  connection.pending = null // it is this attempt
  connection.failures += 1
  const { method, submethod, key } = fact
  const fields = { outcome: 'failure', method, submethod, reason, keyFingerprint: key?.keyFingerprint ?? null }
  const about = { ...connection, user: fact.user }
  emit(scene, 'login_failed', about, { ...fields, clientVersion: connection.clientVersion })
}

/** Whether a second factor was asked for; null: the log does not tell. */
const secondFactorOf = (scene: Scene, connection: Connection, { method, user }: Attempt): boolean | null => {
  if (scene.secondFactors.take(scene.host, user, scene.nowMs) === 'passed' || connection.partial) return true
  return connection.verbose && method !== 'keyboard-interactive' ? false : null
}

const accepted = (scene: Scene, fact: Attempt): void => {
  const before = connectionOf(scene, fact.ip, fact.port)
  if (before.acceptedMs !== null) releaseConnection(scene, before) // the same port again: its end was not written down
  const connection = before.acceptedMs === null ? before : connectionOf(scene, fact.ip, fact.port)
  if (connection.pending?.method === 'none') connection.pending = null // something did follow
  settlePending(scene, connection)
  connection.user = fact.user
  connection.acceptedMs = scene.nowMs
  scene.connections.touch(connection, scene.nowMs)
  const { method, submethod } = fact
  const key = fact.key ?? connection.partialKey
  emit(scene, 'login', connection, {
    outcome: 'success',
    method,
    submethod,
    keyType: key?.keyType ?? null,
    keyFingerprint: key?.keyFingerprint ?? null,
    certId: key?.certId ?? null,
    certSerial: key?.certSerial ?? null,
    certCa: key?.certCa ?? null,
    mfa: secondFactorOf(scene, connection, fact),
    clientVersion: connection.clientVersion,
  })
}

const asked = (scene: Scene, fact: Attempt): void => {
  const connection = connectionOf(scene, fact.ip, fact.port)
  connection.prompted = true
  if (fact.type !== 'partial') return
  settlePending(scene, connection)
  connection.partial = true
  connection.partialKey = fact.key ?? connection.partialKey
  connection.failures = 0 // what counts from here on is the second factor
  connection.user = fact.user
}

const invalidUser = (scene: Scene, { user, ip, port }: Extract<AuthFact, { type: 'invalidUser' }>): void => {
  const connection = connectionOf(scene, ip, port)
  connection.pending ??= announce(scene, { user, method: null, reason: connection.turnedAway ?? 'invalid_user' })
  if (scene.pid === '' && port === null) settlePending(scene, connection) // nothing to know its next line by
}

const pamFailure = (scene: Scene, { user, ip, reason }: Extract<AuthFact, { type: 'pamFailure' }>): void => {
  if (scene.pid === '') return // the `Failed` of the same attempt could not be told from another
  const connection = connectionOf(scene, ip ?? undefined, null)
  if (connection.pending?.method) settlePending(scene, connection) // below VERBOSE not every attempt has its `Failed`
  const why = connection.turnedAway ?? (connection.partial ? 'mfa_denied' : reason)
  connection.pending = announce(scene, { user, method: 'keyboard-interactive', reason: why })
  connection.ip ??= ip
}

const turnedAway = (scene: Scene, { user, ip, reason, announces }: Extract<AuthFact, { type: 'turnedAway' }>): void => {
  if (scene.pid === '') return
  const connection = connectionOf(scene, ip ?? undefined, null)
  connection.turnedAway = reason
  connection.ip ??= ip
  if (announces) connection.pending ??= announce(scene, { user, method: null, reason })
}

/** For keyboard-interactive PAM asks in a process of its own: what it says is joined by name. */
const accountPhase = (scene: Scene, { user, reason }: Extract<AuthFact, { type: 'accountPhase' }>): void => {
  const connection = scene.connections.ofPid(scene.pid)
  if (connection) connection.turnedAway = reason
  else scene.secondFactors.note(scene.host, user, reason, scene.nowMs)
}

/** The account phase said no; where the log is VERBOSE, a `Failed` stands before. */
const pamRefused = (scene: Scene, user: string): void => {
  const connection = connectionOf(scene, undefined, null)
  if (connection.failures > 0) return
  connection.pending = announce(scene, { user, method: null, reason: connection.turnedAway ?? 'unknown' })
  settlePending(scene, connection)
}

export const onAuth = (scene: Scene, fact: AuthFact): void => {
  if (fact.type === 'failed') failed(scene, fact)
  else if (fact.type === 'accepted') accepted(scene, fact)
  else if (fact.type === 'partial' || fact.type === 'postponed') asked(scene, fact)
  else if (fact.type === 'invalidUser') invalidUser(scene, fact)
  else if (fact.type === 'pamFailure') pamFailure(scene, fact)
  else if (fact.type === 'turnedAway') turnedAway(scene, fact)
  else if (fact.type === 'accountPhase') accountPhase(scene, fact)
  else if (fact.type === 'pamRefused') pamRefused(scene, fact.user)
  else {
    const connection = scene.connections.ofPid(scene.pid)
    if (connection && fact.type === 'keyAccepted') connection.prompted = true
    else if (connection) connection.keyRefused = true
  }
}
