import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { findPeer } from '#hooks/sudo/peer.ts'
import { BartizanError } from '#services/errors.ts'
import { FromAgent, type FromClient, type OpenRequest, readMessages, say } from './control.ts'

/** The agent, as `bartizan record` sees it. */
export type AgentLink = {
  /** Both FIFOs, open for writing; the session is open in the agent. @throws BTZ_UNAVAILABLE with the agent's words */
  begin(request: Omit<OpenRequest, 'type'>): Promise<{ data: FileHandle; timing: FileHandle }>
  started(pid: number): void
  /** The session has to end: the agent says so, or is gone. Null: it ended, and is durable. */
  readonly over: Promise<string | null>
  close(): void
}

const startIt = 'nothing was started, because it would not be recorded; the agent of this host has to run'
const goneText = 'the recording service of this host went away; the session ends because it is not recorded any more'

const unavailable = (message: string, cause?: unknown): BartizanError =>
  new BartizanError('BTZ_UNAVAILABLE', message, { cause })

const connected = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(socket))
    socket.once('error', (cause) => {
      reject(new BartizanError('BTZ_NOT_RUNNING', `no agent listens on port ${port}`, { hint: startIt, cause }))
    })
  })

/** Up to 10 s, as sudo waits: a port that a service manager holds connects before an agent takes the connection. */
const retryMs = [2, 10, 40, 100, 300, ...new Array<number>(19).fill(500)]

/** While the agent is down any program may hold its port, and would be told every key. */
const checkServer = async (socket: Socket, trustedUids: readonly number[]): Promise<void> => {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  const peer = { address: remoteAddress!, port: remotePort! }
  const uid = (await findPeer(peer, { address: localAddress!, port: localPort! }, { retryMs }))?.uid
  if (uid !== undefined && trustedUids.includes(uid)) return
  socket.destroy()
  if (uid === undefined)
    throw new BartizanError('BTZ_NOT_RUNNING', `nobody takes connections on port ${remotePort}`, { hint: startIt })
  throw new BartizanError('BTZ_FORBIDDEN', `the program on port ${remotePort} does not belong to the agent's user`, {
    hint: 'nothing was started; `ss -ltnp` names the program',
  })
}

const openToWrite = async (path: string, trustedUids: readonly number[]): Promise<FileHandle> => {
  const found = await lstat(path)
  const isPrivate = found.isFIFO() && trustedUids.includes(found.uid) && (found.mode & 0o044) === 0
  if (!isPrivate) throw new BartizanError('BTZ_FORBIDDEN', `${path} is no FIFO that only the agent can read`)
  return open(path, constants.O_WRONLY | constants.O_NONBLOCK)
}

/**
 * Connects to the agent of this host.
 * @throws BTZ_NOT_RUNNING; BTZ_FORBIDDEN when the port belongs to somebody who is not trusted
 */
export const linkToAgent = async (port: number, trustedUids: readonly number[]): Promise<AgentLink> => {
  const socket = await connected(port)
  await checkServer(socket, trustedUids)
  const send = (message: FromClient): void => say(socket, message)
  const expected = new Map<FromAgent['type'], (message: FromAgent) => void>()
  let refused: (error: BartizanError) => void = () => {}
  let finish: (text: string | null) => void = () => {}
  const over = new Promise<string | null>((resolve) => {
    finish = resolve
  })
  const fail = (text: string): void => {
    refused(unavailable(text))
    finish(text)
  }

  readMessages(
    socket,
    FromAgent,
    (message) => {
      if (message.type === 'refused' || message.type === 'abort') fail(message.text)
      else if (message.type === 'ended') finish(null)
      else expected.get(message.type)?.(message)
    },
    () => fail(goneText),
  )
  const answer = <T extends FromAgent['type']>(type: T, said: FromClient) =>
    new Promise<Extract<FromAgent, { type: T }>>((resolve, reject) => {
      refused = reject
      expected.set(type, (message) => resolve(message as Extract<FromAgent, { type: T }>))
      send(said)
    })

  return {
    begin: async (request) => {
      const fifos = await answer('fifos', { type: 'open', ...request })
      const data = await openToWrite(fifos.data, trustedUids)
      const timing = await openToWrite(fifos.timing, trustedUids)
      await answer('recording', { type: 'opened' })
      return { data, timing }
    },
    started: (pid) => send({ type: 'started', pid }),
    over,
    close: () => socket.destroy(),
  }
}
