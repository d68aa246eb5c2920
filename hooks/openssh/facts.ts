import {
  type AuthFact,
  type Known,
  readAccountPhase,
  readAuth,
  readInvalidUser,
  readKeyRefused,
  readNotAllowed,
  readPamFailure,
  readPamRefused,
  readRootRefused,
} from './auth-facts.ts'
import {
  type ConnectionFact,
  readBroken,
  readChild,
  readConnection,
  readDisconnecting,
  readEnd,
  readReceivedDisconnect,
  readSession,
  readTimeout,
  readTransferred,
} from './connection-facts.ts'
import { type ForwardFact, readForward } from './forward-facts.ts'
import { readSecondFactor, type SecondFactorFact } from './second-factor.ts'

export type Fact = AuthFact | ConnectionFact | ForwardFact | SecondFactorFact

const preauthMark = ' [preauth]'
type Read = (text: string, known: Known) => Fact | null
/** `own`: the user's own process writes it, so it proves nothing about a login. */
type Reading = { words: string; read: Read; own?: true }

const ends = (words: string, reason: string): Reading => ({
  words,
  read: (text) => readEnd(text, words.length, reason, true),
  own: true,
})
const noted = (words: string, read: Read): Reading => ({ words, read })
const own = (words: string, read: Read): Reading => ({ words, read, own: true })

/** Where sshd noticed it. */
const brokenAt = [
  'Read error from remote host ',
  'banner exchange: Connection from ',
  'ssh_dispatch_run_fatal: Connection from ',
  'process_output: ssh_packet_write_poll: Connection from ',
  'ssh_packet_write_poll: Connection from ',
  'packet_write_poll: Connection from ',
  'packet_write_wait: Connection from ',
]

/** By first words; a longer one stands before a shorter one that it begins with. */
const readings: Reading[] = [
  noted('Failed ', (text, known) => readAuth('failed', text, 7, known) ?? readSecondFactor(text)),
  noted('Invalid user ', (text) => readInvalidUser(text, 13)),
  noted('Illegal user ', (text) => readInvalidUser(text, 13)),
  noted('Connection from ', readConnection),
  ends('Connection closed by ', 'connection closed'),
  ends('Connection reset by ', 'connection reset'),
  noted('Accepted key ', () => ({ type: 'keyAccepted' })),
  noted('Accepted certificate ', () => ({ type: 'keyAccepted' })),
  noted('userauth_pubkey: ', readKeyRefused),
  noted('Accepted google_authenticator ', readSecondFactor),
  noted('Accepted ', (text, known) => readAuth('accepted', text, 9, known)),
  noted('Partial ', (text, known) => readAuth('partial', text, 8, known)),
  noted('Postponed ', (text, known) => readAuth('postponed', text, 10, known)),
  noted('User child is on pid ', readChild),
  noted('User ', readNotAllowed),
  noted('ROOT LOGIN REFUSED FROM ', readRootRefused),
  noted('PAM: ', (text) => readPamFailure(text, 5)),
  noted('Access denied for user ', (text) => readPamRefused(text, 23)),
  noted('pam_unix(sshd:session): session closed for user ', () => ({ type: 'closed', reason: 'session closed' })),
  noted('pam_unix(sshd:account): ', (text) => readAccountPhase(text.slice(24))),
  own('Starting session: ', readSession),
  ends('Disconnected from ', 'disconnected'),
  own('Received disconnect from ', readReceivedDisconnect),
  own('Disconnecting ', readDisconnecting),
  ends('Timeout, client not responding from ', 'client not responding'),
  noted('Timeout before authentication for ', readTimeout),
  ...brokenAt.map((words) => own(words, readBroken)),
  own('Transferred: ', readTransferred),
  own('Closing connection to ', () => ({ type: 'closed', reason: 'connection closed' })),
  own('Received request ', readForward),
  own('refused local port forward: ', readForward),
  own('connect_to ', readForward),
  own('server_request_direct_tcpip: ', readForward),
  own('server_input_global_request: ', readForward),
  noted('Remote protocol version ', (text) => {
    const at = text.indexOf('remote software version ')
    return at < 0 ? null : { type: 'clientVersion', version: text.slice(at + 24).slice(0, 256) }
  }),
  noted('Invalid verification code for ', readSecondFactor),
  noted('Aborted Duo login for ', readSecondFactor),
  noted('Successful Duo login for ', readSecondFactor),
]
const byFirst = new Map<number, Reading[]>()
for (const reading of readings) {
  const first = reading.words.charCodeAt(0)
  byFirst.set(first, [...(byFirst.get(first) ?? []), reading])
}

const levels = ['error: ', 'fatal: ', 'debug1: ']

export type Words = { text: string; preauth: boolean }

/** Without what sshd sets before and behind its words. */
export const bare = (message: string): Words => {
  const preauth = message.endsWith(preauthMark)
  const end = preauth ? message.length - preauthMark.length : message.length
  const level = levels.find((word) => message.startsWith(word))
  return { text: message.slice(level?.length ?? 0, end), preauth }
}

export const readFact = ({ text }: Words, known: Known, privileged: boolean): Fact | null => {
  const reading = byFirst.get(text.charCodeAt(0))?.find(({ words }) => text.startsWith(words))
  return reading && (privileged || reading.own) ? reading.read(text, known) : null
}
