import { SinkUnavailable } from './sink.ts'
import { type Connection, connect, type Dial } from './syslog-connection.ts'
import type { SyslogTransport } from './syslog-sink.ts'

/** `name`: of the receiver, for messages. `onLoss`: told how many messages are sent again. */
export type StreamOptions = {
  dial: Dial
  name: string
  timeoutMs: number
  windowBytes: number
  confirmAfterMs: number
  onLoss: (messages: number, reason: string) => void
}

const reasonOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? (error as Error).message

/**
 * Syslog over TCP or TLS has no acknowledgement: what the kernel took is lost when the receiver dies. So everything
 * since the last confirmation is kept, and sent again on the next connection: at least once, in order but for the
 * repetitions. A confirmation is that the receiver closes the connection after we ended our side. It is asked for
 * when `windowBytes` are kept, when nothing was sent for `confirmAfterMs`, on the first batch, and on each
 * batch after a failure until one succeeds: a receiver that takes connections and reads nothing gets nothing `taken`.
 */
export const createSyslogStream = (options: StreamOptions): SyslogTransport => {
  const { dial, name, timeoutMs, windowBytes, confirmAfterMs, onLoss } = options
  let connection: Connection | null = null
  let unconfirmed: Buffer[] = []
  let unconfirmedBytes = 0
  let isTrusted = false
  let quiet: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  /** One at a time, in order. */
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const turn = last.then(action)
    last = turn.catch(() => {})
    return turn
  }
  const opened = async (signal: AbortSignal): Promise<Connection> => {
    if (connection?.isOpen()) return connection
    if (connection !== null && unconfirmed.length > 0) onLoss(unconfirmed.length, 'the connection was lost')
    connection = null
    const fresh = await connect(dial, { timeoutMs, signal })
    connection = fresh
    if (unconfirmed.length > 0) await fresh.write(Buffer.concat(unconfirmed), signal)
    return fresh
  }
  const confirm = async (open: Connection, newBytes: number, signal: AbortSignal): Promise<void> => {
    await open.finish(unconfirmedBytes + newBytes, signal)
    connection = null
    unconfirmed = []
    unconfirmedBytes = 0
    isTrusted = true
  }
  const failed = (cause: unknown): SinkUnavailable => {
    connection?.destroy()
    connection = null
    isTrusted = false
    return new SinkUnavailable(`${name}: ${reasonOf(cause)}`, null, cause)
  }
  const send = async (frames: readonly Buffer[], signal: AbortSignal): Promise<void> => {
    const bytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0)
    try {
      const open = await opened(signal)
      await open.write(Buffer.concat(frames), signal)
      if (!isTrusted || unconfirmedBytes + bytes > windowBytes) return await confirm(open, bytes, signal)
    } catch (cause) {
      throw failed(cause)
    }
    unconfirmed.push(...frames)
    unconfirmedBytes += bytes
  }
  const confirmAll = async (signal: AbortSignal): Promise<void> => {
    if (unconfirmed.length === 0) return connection?.destroy()
    try {
      await confirm(await opened(signal), 0, signal)
    } catch (cause) {
      const { message } = failed(cause)
      throw new SinkUnavailable(`${message}; ${unconfirmed.length} messages may not have arrived`, null, cause)
    }
  }
  const confirmWhenQuiet = (): void => {
    clearTimeout(quiet)
    quiet = setTimeout(() => {
      inTurn(() => confirmAll(new AbortController().signal)).catch((error: SinkUnavailable) => {
        onLoss(unconfirmed.length, error.message)
        confirmWhenQuiet()
      })
    }, confirmAfterMs).unref()
  }
  return {
    deliver: (frames, signal) => {
      clearTimeout(quiet)
      return inTurn(() => send(frames, signal)).finally(confirmWhenQuiet)
    },
    close: () => {
      clearTimeout(quiet)
      return inTurn(() => confirmAll(AbortSignal.timeout(timeoutMs)))
    },
  }
}
