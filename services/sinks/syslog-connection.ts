import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { unacknowledgedBytes } from './unacknowledged.ts'

/** One connection to a receiver that answers nothing. */
export type Connection = {
  /** Resolves when the kernel has it all: with the receiver's window full, not before it reads. */
  write(bytes: Buffer, signal: AbortSignal): Promise<void>
  /** Ends our side and waits until the receiver ends its own, which it does after it has read everything. */
  finish(writtenBytes: number, signal: AbortSignal): Promise<void>
  isOpen(): boolean
  destroy(): void
}

/** Starts to connect. `ready`: the event of the socket that says it is usable. */
export type Dial = () => Promise<{ socket: Socket; ready: 'connect' | 'secureConnect' }>

/** A link that is slower than this counts as broken. */
const slowestBytesPerMs = 64

type Limits = { timeoutMs: number; signal: AbortSignal }

/** The action; on its time limit and on abort the socket is destroyed, which fails the action. */
const limited = async <T>(socket: Socket, { timeoutMs, signal }: Limits, action: () => Promise<T>): Promise<T> => {
  const stop = (reason: string) => socket.destroy(new Error(reason))
  const timer = setTimeout(stop, timeoutMs, `nothing for ${timeoutMs} ms`)
  const onAbort = () => stop('stopped')
  signal.addEventListener('abort', onAbort)
  try {
    if (signal.aborted) onAbort()
    return await action()
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

const onSocket = (socket: Socket, timeoutMs: number): Connection => {
  let failure: Error | null = null
  let isFinishing = false
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', (error) => {
    failure ??= error
  })
  // The receiver went away: what it had not read is lost to it.
  socket.on('end', () => {
    if (!isFinishing) socket.destroy(new Error('the receiver closed the connection'))
  })
  socket.resume() // a receiver has nothing to say; unread, its words would hide that it closes

  const write = (bytes: Buffer) =>
    new Promise<void>((resolve, reject) =>
      socket.write(bytes, (error) => (error ? reject(failure ?? error) : resolve())),
    )
  const ports = { local: socket.localPort ?? 0, remote: socket.remotePort ?? 0 }
  // A receiver that goes away with bytes unread resets the connection, if its kernel had them by then: an end that
  // comes while they are on their way would be taken for a confirmation.
  const acknowledged = async () => {
    while (!socket.destroyed && ((await unacknowledgedBytes(ports)) ?? 0) > 0) await pause(5)
  }
  const finish = async () => {
    await acknowledged()
    isFinishing = true
    socket.end()
    await closed
    if (failure) throw failure
    if (!socket.readableEnded) throw new Error('the connection broke before the receiver closed it')
  }
  const within = (bytes: number, signal: AbortSignal): Limits => ({
    timeoutMs: timeoutMs + Math.ceil(bytes / slowestBytesPerMs),
    signal,
  })
  return {
    write: (bytes, signal) => limited(socket, within(bytes.byteLength, signal), () => write(bytes)),
    finish: (writtenBytes, signal) => limited(socket, within(writtenBytes, signal), finish),
    isOpen: () => !socket.destroyed && failure === null && !isFinishing,
    destroy: () => socket.destroy(),
  }
}

export const connect = async (dial: Dial, limits: Limits): Promise<Connection> => {
  const { socket, ready } = await dial()
  await limited(socket, limits, () => once(socket, ready))
  return onSocket(socket, limits.timeoutMs)
}
