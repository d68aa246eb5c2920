import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { Marker } from '#services/schema/marker.ts'

/** A frame with its time from the start of the session. */
export type TimedFrame = Frame & { atNs: bigint }

/** Seconds with microseconds: what asciicast and the player count in. */
const seconds = (atNs: bigint): number => Math.round(Number(atNs / 1000n)) / 1e6

/** What a terminal player understands: o output, i input, r resize "COLSxROWS", m marker. Times in seconds. */
export type TerminalEvent = [atSeconds: number, code: 'o' | 'i' | 'r' | 'm', data: string]

/**
 * Bytes become text here and only here, for viewing: a character cut by a frame border is carried to the next frame,
 * bytes that are no UTF-8 become U+FFFD. The evidence keeps the bytes.
 */
const createDecoders = () => {
  const decoders = new Map<Stream, InstanceType<typeof TextDecoder>>()
  return (stream: Stream, data: Uint8Array): string => {
    const decoder = decoders.get(stream) ?? new TextDecoder('utf-8', { ignoreBOM: true })
    decoders.set(stream, decoder)
    return decoder.decode(data, { stream: true })
  }
}

// Without a terminal there is no line discipline that made CR LF of LF.
const asTerminal = (text: string): string => text.replace(/\r?\n/g, '\r\n')

const markerLabel = (data: Uint8Array): string | null => {
  const marker = Marker.safeParse(JSON.parse(Buffer.from(data).toString('utf8')))
  if (!marker.success) return null
  if (marker.data.type === 'gap') return `gap: ${marker.data.detail}`
  if (marker.data.type === 'alert') return marker.data.reason
  return null // execs stand in the command list; as markers they would bury the bar
}

const resizeData = (data: Uint8Array): string | null => {
  if (data.byteLength !== 4) return null
  const view = Buffer.from(data)
  const [rows, cols] = [view.readUInt16BE(0), view.readUInt16BE(2)]
  return rows > 0 && cols > 0 ? `${cols}x${rows}` : null
}

/** Pure conversion, frame by frame: feed all frames of a session in order. */
export const createTerminalEvents = (): ((frame: TimedFrame) => TerminalEvent | null) => {
  const decode = createDecoders()
  const convert = (frame: TimedFrame): [TerminalEvent[1], string | null] => {
    switch (frame.stream) {
      case Stream.TTYOUT:
        return ['o', decode(frame.stream, frame.data)]
      case Stream.STDOUT:
      case Stream.STDERR:
        return ['o', asTerminal(decode(frame.stream, frame.data))]
      case Stream.TTYIN:
        return ['i', frame.masked ? '[masked]' : decode(frame.stream, frame.data)]
      case Stream.RESIZE:
        return ['r', resizeData(frame.data)]
      case Stream.MARKER:
        return ['m', markerLabel(frame.data)]
      default:
        return ['o', null]
    }
  }
  return (frame) => {
    const [code, data] = convert(frame)
    return data === null || (data === '' && code !== 'm') ? null : [seconds(frame.atNs), code, data]
  }
}
