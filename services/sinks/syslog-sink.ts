import { rfc5424 } from './formats/rfc5424.ts'
import { fitted } from './formats/shortened.ts'
import type { Format, FormatContext, Sent, Sink } from './sink.ts'

export type SyslogTransport = {
  /** In order. @throws SinkUnavailable; all of them are to be sent again then, though some may have arrived */
  deliver(frames: readonly Buffer[], signal: AbortSignal): Promise<void>
  /** @throws SinkUnavailable where what was delivered is not known to have arrived */
  close(): Promise<void>
}

export type SyslogOptions = {
  format: Format
  byteOrderMark: boolean
  maxMessageBytes: number
  frame: (message: string) => Buffer
  transport: SyslogTransport
  about: () => FormatContext
}

/** RFC 5424 to one receiver, by any transport. */
export const createSyslogSink = (options: SyslogOptions): Sink => {
  const { byteOrderMark, maxMessageBytes, frame, transport, about } = options
  const format = rfc5424(options.format, { byteOrderMark })
  return {
    send: async (batch, signal) => {
      const frames: Buffer[] = []
      let refused: Sent['refused']
      for (const numbered of batch) {
        const message = fitted(format, numbered, about(), maxMessageBytes)
        if ('reason' in message) {
          refused = message
          break
        }
        frames.push(frame(message.text))
      }
      if (frames.length > 0) await transport.deliver(frames, signal)
      return refused ? { taken: frames.length, refused } : { taken: frames.length }
    },
    close: transport.close,
  }
}
