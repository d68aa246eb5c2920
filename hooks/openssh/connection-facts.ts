import { type ConnectionTuple, parseSshConnection } from '#services/connection-id.ts'
import { addressOf, cutFrom, type Peer, portBetween, userFromPeer, userThenPeer } from './peer.ts'
import { asTyped } from './written-text.ts'

/** What a line says about a connection, its sessions and its end. */
export type ConnectionFact =
  | { type: 'connection'; tuple: ConnectionTuple | null; ip: string | null; port: number | null }
  | { type: 'child'; pid: string }
  | ({ type: 'session'; what: 'shell' | 'command' | 'subsystem'; channel: number | null } & SessionWords & Peer)
  /** It is over, or its end is near: `last` = nothing more is said of it than what PAM says. */
  | {
      type: 'end'
      who: 'preauth' | 'invalid' | 'user' | null
      peer: Peer | null
      reason: string
      last: boolean
      pid?: string
    }
  | { type: 'transferred'; outBytes: number; inBytes: number }
  /** sshd is done with it, whatever was said before. */
  | { type: 'closed'; reason: string }
  | { type: 'clientVersion'; version: string }

type SessionWords = { tty: string | null; subsystem: string | null; forcedCommand: string | null }

const timedOut = ' timed out'

/** `Connection from WHOM timed out` */
const readTimedOut = (text: string): ConnectionFact | null =>
  text.endsWith(timedOut)
    ? readEnd(text, connectionFrom.length, 'timed out', true, text.length - timedOut.length)
    : null

/** `Connection from A port P on B port Q rdomain ""`; the server's end since OpenSSH 6.7. */
export const readConnection = (text: string): ConnectionFact | null => {
  const words = text.split(' ', 9)
  const [, , client = '', portWord, port = '', onWord, server, serverPortWord, serverPort] = words
  const ip = addressOf(client)
  const number = portBetween(port, 0, port.length)
  if (ip === undefined || portWord !== 'port' || number < 0) return readTimedOut(text)
  const whole = onWord === 'on' && serverPortWord === 'port'
  const tuple = whole ? parseSshConnection(`${client} ${port} ${server} ${serverPort}`) : null
  return { type: 'connection', tuple, ip, port: number }
}

export const readChild = (text: string): ConnectionFact | null => {
  const pid = text.slice('User child is on pid '.length)
  return /^[0-9]{1,10}$/.test(pid) ? { type: 'child', pid } : null
}

/** Between the first and the last apostrophe: the command itself may hold some. */
const quoted = (text: string): string | null => {
  const start = text.indexOf("'")
  const end = text.lastIndexOf("'")
  return start >= 0 && end > start ? asTyped(text.slice(start + 1, end)) : null
}

const sessionWords = (text: string): (SessionWords & { what: 'shell' | 'command' | 'subsystem' }) | null => {
  const on = text.lastIndexOf(' on ')
  const device = on < 0 ? '' : text.slice(on + 4)
  const tty = /^[A-Za-z0-9/_.-]{1,64}$/.test(device) && on > text.lastIndexOf("'") ? device : null
  const words = tty === null ? text : text.slice(0, on)
  if (words === 'shell' || words === 'command') return { what: words, tty, subsystem: null, forcedCommand: null }
  if (words.startsWith('subsystem')) return { what: 'subsystem', tty, subsystem: quoted(words), forcedCommand: null }
  if (!words.startsWith('forced-command')) return null
  return { what: 'command', tty, subsystem: null, forcedCommand: quoted(words) ?? '' }
}

/** A forced command so long that the line ends in it: whose it is, only the process can tell. */
const cutSession = (words: string): ConnectionFact | null => {
  if (!words.startsWith('forced-command')) return null
  const forcedCommand = words.slice(words.indexOf("'") + 1)
  return {
    type: 'session',
    what: 'command',
    tty: null,
    subsystem: null,
    forcedCommand,
    user: '',
    ip: null,
    port: null,
    channel: null,
  }
}

/** `WHAT[ on TTY] for USER from IP port N[ id K]`; a forced command is free text, so all else is read from the end. */
export const readSession = (text: string): ConnectionFact | null => {
  const start = 'Starting session: '.length
  if (text.length >= cutFrom) return cutSession(text.slice(start))
  const idWord = text.lastIndexOf(' id ')
  const channel = idWord < 0 ? -1 : portBetween(text, idWord + 4, text.length)
  const end = channel < 0 ? text.length : idWord
  const peer = userFromPeer(text, start, end)
  const forWord = peer ? text.lastIndexOf(' for ', start + peer.user.length - 1) : -1
  const words = forWord < start ? null : sessionWords(text.slice(start, forWord))
  if (!peer || !words) return null
  return {
    type: 'session',
    ...words,
    ...peer,
    user: peer.user.slice(forWord + 5 - start),
    channel: channel < 0 ? null : channel,
  }
}

const connectionFrom = 'Connection from '

const roles = [
  ['authenticating user ', 'preauth'],
  ['invalid user ', 'invalid'],
  ['user ', 'user'],
] as const

/** `[authenticating |invalid |]user U IP port N` or `IP port N` (or, before OpenSSH 7.0, `IP`), up to `end`. */
export const readEnd = (text: string, at: number, reason: string, last: boolean, end = text.length): ConnectionFact => {
  const role = roles.find(([words]) => text.startsWith(words, at))
  const peer = userThenPeer(text, role ? at + role[0].length : at, end)
  return { type: 'end', who: role && peer ? role[1] : null, peer, reason, last }
}

/** `WHERE: Connection from WHOM: WHY` and `Read error from remote host IP port N: WHY`: what broke is sshd's own words. */
export const readBroken = (text: string): ConnectionFact | null => {
  const from = text.indexOf(connectionFrom)
  const at = from < 0 ? 'Read error from remote host '.length : from + connectionFrom.length
  const why = text.lastIndexOf(': ')
  return why < at ? null : readEnd(text, at, text.slice(why + 2).slice(0, 256), true, why)
}

/** Preauth `Disconnecting authenticating user U IP port N: Too many authentication failures`; of other reasons parts are free text. */
export const readDisconnecting = (text: string): ConnectionFact => {
  const at = 'Disconnecting '.length
  const reason = 'Too many authentication failures'
  if (text.endsWith(`: ${reason}`)) return readEnd(text, at, reason, true, text.length - reason.length - 2)
  return { type: 'end', who: null, peer: null, reason: text.slice(0, 256), last: true }
}

// The address may end in the name of an interface.
const received = /^Received disconnect from ([^ ]{2,100})(?: port ([0-9]{1,5}):|: )[0-9]{1,10}: ?/

/** `Received disconnect from IP port N:11: words` (before OpenSSH 7.1 `from IP: 11: words`): the client's own words. */
export const readReceivedDisconnect = (text: string): ConnectionFact => {
  const match = received.exec(text.slice(0, 200))
  const ip = addressOf(match?.[1] ?? '')
  const port = match?.[2] === undefined ? -1 : portBetween(match[2], 0, match[2].length)
  const peer = ip === undefined || port < 0 ? null : { user: '', ip, port }
  const words = match ? text.slice(match[0].length, match[0].length + 256) : ''
  return { type: 'end', who: null, peer, reason: words || 'disconnected', last: false }
}

/** `IP port N`, or since OpenSSH 9.9, by the listener, `connection from IP to IP, pid = N`. */
export const readTimeout = (text: string): ConnectionFact => {
  const reason = 'timeout before authentication'
  const pid = /, pid = ([0-9]{1,10})$/.exec(text.slice(-24))?.[1]
  if (pid !== undefined) return { type: 'end', who: null, peer: null, reason, last: true, pid }
  return readEnd(text, 'Timeout before authentication for '.length, reason, true)
}

export const readTransferred = (text: string): ConnectionFact | null => {
  const match = /^Transferred: sent ([0-9]{1,15}), received ([0-9]{1,15}) bytes$/.exec(text)
  return match && { type: 'transferred', outBytes: Number(match[1]), inBytes: Number(match[2]) }
}
