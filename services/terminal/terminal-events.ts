import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { Marker } from '#services/schema/marker.ts'
import { clampSize } from './terminal-size.ts'

/** A frame with its time from the start of the session. */
export type TimedFrame = Frame & { atNs: bigint }

/** Seconds with microseconds: what asciicast and the player count in. */
const seconds = (atNs: bigint): number => Math.round(Number(atNs / 1000n)) / 1e6

/** What a terminal player understands: o output, i input, r resize "COLSxROWS", m marker. Times in seconds. */
export type TerminalEvent = [atSeconds: number, code: 'o' | 'i' | 'r' | 'm', data: string]

/** Per stream: the bytes of a character that is not complete yet, as base64. */
export type OpenCharacters = Record<string, string>

const noBytes = new Uint8Array(0)

/** The end of the bytes that may become a character with what comes; at most 3 bytes. */
const openEnd = (data: Uint8Array): Uint8Array => {
  for (let length = 1; length <= Math.min(3, data.byteLength); length++) {
    const end = data.subarray(data.byteLength - length)
    if (end[0]! < 0x80) break
    if (end[0]! >= 0xc2) return new TextDecoder().decode(end, { stream: true }) === '' ? end.slice() : noBytes
  }
  return noBytes
}
/**
 * Bytes become text here and only here, for viewing: a character cut by a frame border is carried to the next frame,
 * bytes that are no UTF-8 become U+FFFD. The evidence keeps the bytes.
 */
const createDecoders = (saved: OpenCharacters) => {
  const decoders = new Map<Stream, InstanceType<typeof TextDecoder>>()
  const open = new Map<Stream, Uint8Array>()
  const decoderOf = (stream: Stream) => {
    const known = decoders.get(stream)
    if (known) return known
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    const bytes = Buffer.from(saved[stream] ?? '', 'base64')
    decoder.decode(bytes, { stream: true })
    if (bytes.byteLength > 0) open.set(stream, bytes)
    decoders.set(stream, decoder)
    return decoder
  }
  for (const stream of Object.keys(saved)) decoderOf(Number(stream) as Stream)
  return {
    decode: (stream: Stream, data: Uint8Array): string => {
      const text = decoderOf(stream).decode(data, { stream: true })
      const before = open.get(stream)
      const last = data.at(-1) ?? 0
      if (before === undefined && last < 0x80) return text
      const end = openEnd(before && data.byteLength < 3 ? Buffer.concat([before, data]) : data)
      if (end.byteLength > 0) open.set(stream, end)
      else open.delete(stream)
      return text
    },
    open: (): OpenCharacters =>
      Object.fromEntries([...open].map(([stream, bytes]) => [stream, Buffer.from(bytes).toString('base64')])),
    isClean: () => open.size === 0,
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
  if (rows === 0 || cols === 0) return null
  const size = clampSize({ cols, rows })
  return `${size.cols}x${size.rows}`
}

/** Frames to events, also from the middle of a session on, with what was open there. */
export const createEventReader = (saved: OpenCharacters = {}) => {
  const decoders = createDecoders(saved)
  const { decode } = decoders
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
  return {
    toEvent: (frame: TimedFrame): TerminalEvent | null => {
      const [code, data] = convert(frame)
      return data === null || (data === '' && code !== 'm') ? null : [seconds(frame.atNs), code, data]
    },
    openCharacters: decoders.open,
    /** No character is open. */
    isClean: decoders.isClean,
  }
}

/** Pure conversion, frame by frame: feed all frames of a session in order. */
export const createTerminalEvents = (): ((frame: TimedFrame) => TerminalEvent | null) => createEventReader().toEvent
