import { stripVTControlCharacters } from 'node:util'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import type { Session } from '#services/schema/session.ts'
import { createTerminalEvents, type TimedFrame } from '#services/terminal/terminal-events.ts'
import { milliseconds } from './frames.ts'
import { transcript } from './transcript.ts'

export type Frames = AsyncIterable<TimedFrame>

/** What the headers of both versions say alike. */
const aboutOf = ({ startedAt, user, target, bastion, argv }: Session) => ({
  timestamp: Math.floor(Date.parse(startedAt) / 1000),
  title: `${user}@${target ?? bastion}`,
  command: argv.join(' '),
})

/** asciicast v2 (docs.asciinema.org/manual/asciicast/v2): bytes that are no UTF-8 are lost in it. */
export async function* asciicast(session: Session, frames: Frames): AsyncGenerator<string> {
  const header = {
    version: 2,
    width: session.cols || 80,
    height: session.rows || 24,
    ...aboutOf(session),
  }
  yield `${JSON.stringify(header)}\n`
  const toEvent = createTerminalEvents()
  for await (const frame of frames) {
    const event = toEvent(frame)
    if (event) yield `${JSON.stringify(event)}\n`
  }
}

/**
 * asciicast v3 (docs.asciinema.org/manual/asciicast/v3): times are those since the event before, to the microsecond, and
 * the exit status is an event.
 */
export async function* asciicast3(session: Session, frames: Frames): AsyncGenerator<string> {
  const header = {
    version: 3,
    term: { cols: session.cols || 80, rows: session.rows || 24 },
    ...aboutOf(session),
  }
  yield `${JSON.stringify(header)}\n`
  const toEvent = createTerminalEvents()
  let lastUs = 0
  for await (const frame of frames) {
    const event = toEvent(frame)
    if (!event) continue
    const [atUs, code, data] = [Math.round(event[0] * 1e6), event[1], event[2]]
    yield `${JSON.stringify([(atUs - lastUs) / 1e6, code, data])}\n`
    lastUs = atUs
  }
  if (session.exitCode !== null) yield `${JSON.stringify([0, 'x', String(session.exitCode)])}\n`
}

const maxLineLength = 64 * 1024

/** What was printed, as plain text without control sequences, line by line. Full-screen programs do not read well. */
export async function* plainText(_session: Session, frames: Frames): AsyncGenerator<string> {
  const toEvent = createTerminalEvents()
  let rest = ''
  for await (const frame of frames) {
    const event = toEvent(frame)
    if (event?.[1] !== 'o') continue
    const lines = (rest + event[2]).split(/\r*\n/)
    rest = lines.pop() ?? ''
    if (lines.length > 0) yield lines.map((line) => `${stripVTControlCharacters(line)}\n`).join('')
    if (rest.length > maxLineLength) {
      yield stripVTControlCharacters(rest)
      rest = ''
    }
  }
  if (rest) yield `${stripVTControlCharacters(rest)}\n`
}

const streamNames: Partial<Record<Stream, string>> = {
  [Stream.TTYIN]: 'ttyin',
  [Stream.TTYOUT]: 'ttyout',
  [Stream.STDIN]: 'stdin',
  [Stream.STDOUT]: 'stdout',
  [Stream.STDERR]: 'stderr',
  [Stream.RESIZE]: 'resize',
  [Stream.SUSPEND]: 'suspend',
  [Stream.MARKER]: 'marker',
}

const ndjsonFrame = (frame: TimedFrame) => {
  const base = { atMs: milliseconds(frame.atNs), stream: streamNames[frame.stream] ?? String(frame.stream) }
  if (frame.stream === Stream.RESIZE && frame.data.byteLength === 4) {
    const size = Buffer.from(frame.data)
    return { ...base, rows: size.readUInt16BE(0), cols: size.readUInt16BE(2) }
  }
  return { ...base, dataB64: Buffer.from(frame.data).toString('base64'), ...(frame.masked && { masked: frame.masked }) }
}

/** Every frame, byte for byte: `{atMs, stream, dataB64 | rows, cols, masked}`. */
export async function* ndjson(_session: Session, frames: Frames): AsyncGenerator<string> {
  for await (const frame of frames) yield `${JSON.stringify(ndjsonFrame(frame))}\n`
}

export const exportFormats = {
  cast: { write: asciicast, contentType: 'application/x-asciicast', extension: 'cast' },
  castv3: { write: asciicast3, contentType: 'application/x-asciicast', extension: 'cast' },
  transcript: { write: transcript, contentType: 'text/plain; charset=utf-8', extension: 'transcript.txt' },
  txt: { write: plainText, contentType: 'text/plain; charset=utf-8', extension: 'txt' },
  ndjson: { write: ndjson, contentType: 'application/x-ndjson', extension: 'ndjson' },
} as const
export type ExportFormat = keyof typeof exportFormats
