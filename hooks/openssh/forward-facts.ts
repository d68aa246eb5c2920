import { portBetween } from './peer.ts'

/** A port forward that sshd wrote down: refused, failed, or (at DEBUG1) asked for. */
export type ForwardFact = {
  type: 'forward'
  direction: 'local' | 'remote'
  destHost: string | null
  destPort: number | null
  outcome: 'success' | 'failure'
}

/** `HOST port N` up to `end`; the host is what the client asked for. */
const destination = (text: string, start: number, end: number): Pick<ForwardFact, 'destHost' | 'destPort'> | null => {
  const portWord = text.lastIndexOf(' port ', end - 1)
  const port = portWord < start ? -1 : portBetween(text, portWord + 6, end)
  return port < 0 ? null : { destHost: text.slice(start, portWord).slice(0, 253), destPort: port }
}

type Words = {
  start: string
  before: string
  end: string
  direction: 'local' | 'remote'
  outcome: 'success' | 'failure'
}
const denied = ', but the request was denied.'
const forms: Words[] = [
  { start: 'refused local port forward: ', before: ', target ', end: '', direction: 'local', outcome: 'failure' },
  { start: 'Received request ', before: 'to connect to host ', end: denied, direction: 'local', outcome: 'failure' },
  {
    start: 'Received request ',
    before: 'to remote forward to host ',
    end: denied,
    direction: 'remote',
    outcome: 'failure',
  },
  { start: 'connect_to ', before: '', end: ': failed.', direction: 'local', outcome: 'failure' },
  { start: 'server_request_direct_tcpip: ', before: ', target ', end: '', direction: 'local', outcome: 'success' },
  {
    start: 'server_input_global_request: tcpip-forward listen ',
    before: '',
    end: '',
    direction: 'remote',
    outcome: 'success',
  },
]

export const readForward = (text: string): ForwardFact | null => {
  for (const { start, before, end, direction, outcome } of forms) {
    if (!text.startsWith(start) || !text.endsWith(end)) continue
    const word = before === '' ? start.length : text.lastIndexOf(before)
    const to = word < start.length ? null : destination(text, word + before.length, text.length - end.length)
    if (to) return { type: 'forward', ...to, direction, outcome }
  }
  return null
}
