import { isPlainKey, readKeyText } from './key-text.ts'
import { type Peer, userFromHost, userFromPeer, userThenPeer } from './peer.ts'
import type { FailureReason, KeyText } from './state.ts'

/** What a line says about somebody's coming in. `ip` undefined: the line can be read in two ways. */
export type AuthFact =
  | {
      type: 'accepted' | 'failed' | 'partial' | 'postponed'
      method: string
      submethod: string | null
      user: string
      ip: string | null | undefined
      port: number | null
      /** sshd says that nobody has this name (or nobody who may come in). */
      invalid: boolean
      key: KeyText | null
    }
  | ({ type: 'invalidUser' } & Peer)
  | ({ type: 'pamFailure'; reason: FailureReason } & Peer)
  | { type: 'turnedAway'; user: string; ip: string | null; reason: FailureReason; announces: boolean }
  | { type: 'accountPhase'; user: string; reason: FailureReason }
  | { type: 'pamRefused'; user: string }
  | { type: 'keyAccepted' }
  | { type: 'keyRefused' }

/** What the process knows of its own connection. */
export type Known = { ip: string | null; port: number | null } | undefined

const maxCandidates = 16
const behindPeer = ' ssh2: '

/** Every ` ssh2: ` that stands behind an address. */
const peersBeforeKey = (text: string, start: number): { peer: Peer; keyAt: number }[] => {
  const found: { peer: Peer; keyAt: number }[] = []
  let at = text.indexOf(behindPeer, start)
  for (let count = 0; at >= 0 && count < maxCandidates; count++) {
    const peer = userFromPeer(text, start, at)
    if (peer) found.push({ peer, keyAt: at + behindPeer.length })
    at = text.indexOf(behindPeer, at + 1)
  }
  return found
}

/**
 * `USER from IP port N ssh2: KEY`. Both the name and a certificate's id are free text. The connection's own address
 * decides; without it a login's name is an account's (it holds no address), and a failure's is open.
 */
const readPeerAndKey = (
  text: string,
  start: number,
  accepted: boolean,
  known: Known,
): { peer: Peer; ip: string | null | undefined; key: KeyText | null } | null => {
  const found = peersBeforeKey(text, start)
  const first = found[0]
  const last = found.at(-1)
  if (!first || !last) return null
  const own = found.filter(({ peer }) => known && peer.ip === known.ip && peer.port === known.port)
  const ownOne = accepted ? own[0] : own.at(-1)
  const sure = ownOne ?? (found.length === 1 || isPlainKey(text.slice(last.keyAt)) ? last : accepted ? first : null)
  if (sure) return { peer: sure.peer, ip: sure.peer.ip, key: readKeyText(text.slice(sure.keyAt)) }
  return { peer: { ...first.peer, port: null }, ip: undefined, key: null }
}

const invalidWords = ['invalid user ', 'illegal user '] // the latter: OpenSSH before 3.9

const behindInvalid = (text: string, at: number): number => {
  const word = invalidWords.find((words) => text.startsWith(words, at))
  return word === undefined ? at : at + word.length
}

/** `METHOD[/SUBMETHOD] for [invalid user ]USER from IP port N ssh2[: KEY]`, behind its first word. */
export const readAuth = (
  type: 'accepted' | 'failed' | 'partial' | 'postponed',
  text: string,
  at: number,
  known: Known,
): AuthFact | null => {
  const methodEnd = text.indexOf(' ', at)
  if (methodEnd < 0 || methodEnd - at > 64 || !text.startsWith(' for ', methodEnd)) return null
  const named = methodEnd + 5
  const start = type === 'accepted' ? named : behindInvalid(text, named)
  const [method = '', submethod] = text.slice(at, methodEnd).split('/', 2)
  const common = { type, method, submethod: submethod ?? null, invalid: start > named }
  if (text.endsWith(' ssh2') || text.endsWith(' ssh1')) {
    const peer = userFromPeer(text, start, text.length - 5)
    return peer && { ...common, ...peer, key: null }
  }
  const read = readPeerAndKey(text, start, type === 'accepted', known)
  return read && { ...common, user: read.peer.user, ip: read.ip, port: read.peer.port, key: read.key }
}

export const readInvalidUser = (text: string, at: number): AuthFact | null => {
  const peer = userFromPeer(text, at) ?? userFromHost(text, at) // without a port before OpenSSH 7.4
  return peer && { type: 'invalidUser', ...peer }
}

const expired = /(?:token|password).{0,40}(?:expired|no longer valid)|new (?:authentication )?token required/i
const expiredAccount = /account.{0,40}expired/i

const pamReason = (message: string): FailureReason => {
  if (expiredAccount.test(message)) return 'unknown'
  return expired.test(message) ? 'password_expired' : 'bad_password'
}

/** `MESSAGE for [illegal user ]USER from HOST`, behind `error: PAM: `. */
export const readPamFailure = (text: string, at: number): AuthFact | null => {
  const forWord = text.indexOf(' for ', at)
  if (forWord < 0) return null
  const start = behindInvalid(text, forWord + 5)
  const peer = userFromHost(text, start)
  if (!peer) return null
  const reason = start > forWord + 5 ? 'invalid_user' : pamReason(text.slice(at, forWord).slice(0, 200))
  return { type: 'pamFailure', ...peer, reason }
}

/** `User U[ from HOST] not allowed because …`: an account that exists, though what follows calls it invalid. */
export const readNotAllowed = (text: string): AuthFact | null => {
  const start = 'User '.length
  const because = text.lastIndexOf(' not allowed because ')
  if (because < start) return null
  const { user, ip } = userFromHost(text, start, because) ?? { user: text.slice(start, because), ip: null }
  return { type: 'turnedAway', user, ip, reason: 'unknown', announces: true }
}

/** `ROOT LOGIN REFUSED FROM IP port N`: a `Failed` follows, whatever root knew. */
export const readRootRefused = (text: string): AuthFact => {
  const ip = userThenPeer(text, 'ROOT LOGIN REFUSED FROM '.length)?.ip ?? null
  return { type: 'turnedAway', user: 'root', ip, reason: 'unknown', announces: false }
}

const accountPhase = /^(?:account (\S{1,400}) has expired|expired password for user (\S{1,400}))/

/** pam_unix's account phase: what follows fails though its password was right. An expired account is another thing. */
export const readAccountPhase = (text: string): AuthFact | null => {
  const [, account, user] = accountPhase.exec(text.slice(0, 500)) ?? []
  const name = account ?? user
  const reason = account === undefined ? 'password_expired' : 'unknown'
  return name === undefined ? null : { type: 'accountPhase', user: name, reason }
}

/** A key of a kind that is not taken: no `Failed` tells of it. */
export const readKeyRefused = (text: string): AuthFact | null =>
  / not in (?:PubkeyAccepted|CASignature)(?:KeyTypes|Algorithms)$/.test(text.slice(-64)) ? { type: 'keyRefused' } : null

/** `Access denied for user U by PAM account configuration` */
export const readPamRefused = (text: string, at: number): AuthFact | null => {
  const end = text.lastIndexOf(' by PAM account configuration')
  return end < at ? null : { type: 'pamRefused', user: text.slice(at, end) }
}
