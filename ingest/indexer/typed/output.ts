import {
  clearRows,
  control,
  csi,
  type EchoScreen,
  feedLine,
  hasRowsBelow,
  moveDown,
  put,
  putAscii,
  shownText,
} from './echo-screen.ts'
import { takeByte } from './utf8.ts'

/**
 * Bytes shown → screen. Wherever a frame ends, the result is the same; an escape sequence never passes the end of a
 * line, so that output which nobody waits for can be skipped to its last line.
 */
export type OutputListener = {
  /** A line is being typed, or was just ended: rows are kept, and line ends are told. */
  watches(): boolean
  lineEnd(shown: string): void
  mode(name: 'editor' | 'alternate', on: boolean): void
}

const maxParams = 32
const LF = 10
const ESC = 0x1b
const alternateModes = new Set(['47', '1047', '1049'])

const setModes = (screen: EchoScreen, params: string, on: boolean, listener: OutputListener): void => {
  for (const mode of params.split(';')) {
    if (mode === '2004') {
      listener.mode('editor', on)
      screen.editor = on ? 'on' : 'off'
    } else if (alternateModes.has(mode) && screen.alternate !== on) {
      screen.alternate = on
      clearRows(screen)
      listener.mode('alternate', on)
    }
  }
}

const lineFeed = (screen: EchoScreen, listener: OutputListener): void => {
  screen.phase = 'ground'
  screen.partial.missing = 0
  if (screen.editor === 'on' && listener.watches()) {
    feedLine(screen)
    return
  }
  const watches = listener.watches()
  if (watches && hasRowsBelow(screen)) {
    moveDown(screen)
    return
  }
  if (watches) listener.lineEnd(shownText(screen))
  clearRows(screen)
}

const inSequence = (screen: EchoScreen, byte: number, listener: OutputListener): void => {
  const char = String.fromCharCode(byte)
  if (byte < 0x40) {
    screen.params += char
    if (screen.params.length > maxParams) screen.phase = 'ground'
    return
  }
  screen.phase = 'ground'
  if (byte > 0x7e) return
  if (!/^[<=>?]/.test(screen.params)) {
    if (!screen.alternate) csi(screen, char, screen.params)
  } else if (/^\?[0-9;]*$/.test(screen.params) && (char === 'h' || char === 'l')) {
    setModes(screen, screen.params.slice(1), char === 'h', listener)
  }
}

const afterEscape = (screen: EchoScreen, byte: number): void => {
  const char = String.fromCharCode(byte)
  screen.params = ''
  if (char === '[') screen.phase = 'csi'
  else if (']PX^_'.includes(char)) screen.phase = 'string'
  else if ('()*+#% '.includes(char)) screen.phase = 'charset'
  else screen.phase = 'ground'
}

const takeControl = (screen: EchoScreen, byte: number): void => {
  if (screen.phase === 'string') {
    if (byte === 7) screen.phase = 'ground'
    return
  }
  screen.phase = 'ground'
  if (!screen.alternate) control(screen, byte)
}

const takePlain = (screen: EchoScreen, byte: number): void => {
  const char = byte < 0x80 ? String.fromCharCode(byte) : takeByte(screen.partial, byte)
  if (char !== null && byte !== 127 && !screen.alternate) put(screen, char)
}

const take = (screen: EchoScreen, byte: number, listener: OutputListener): void => {
  if (byte < 0x80) screen.partial.missing = 0
  if (byte === LF) lineFeed(screen, listener)
  else if (byte === ESC) screen.phase = 'escape'
  else if (byte < 0x20) takeControl(screen, byte)
  else if (screen.phase === 'ground') takePlain(screen, byte)
  else if (screen.phase === 'escape') afterEscape(screen, byte)
  else if (screen.phase === 'csi') inSequence(screen, byte, listener)
  else if (screen.phase === 'charset') screen.phase = 'ground'
}

const modeSwitch = Buffer.from('\x1b[?')

/** The first mode switch that begins in the range. */
const nextModeSwitch = (bytes: Buffer, from: number, to: number): { start: number; end: number } | null => {
  for (let start = bytes.indexOf(modeSwitch, from); start >= 0 && start < to; ) {
    let end = start + modeSwitch.length
    while (end < bytes.length && end - start < maxParams + 2 && isParam(bytes[end]!)) end++
    const final = bytes[end]
    if (final === 0x68 || final === 0x6c) return { start, end: end + 1 }
    start = bytes.indexOf(modeSwitch, start + 1)
  }
  return null
}
const isParam = (byte: number): boolean => byte === 0x3b || (byte >= 0x30 && byte <= 0x39)

/** Skips to `to`, or past a mode switch before it. Returns where to go on. */
const skip = (screen: EchoScreen, bytes: Buffer, from: number, to: number, listener: OutputListener): number => {
  const found = nextModeSwitch(bytes, from, to)
  if (found === null) return to
  const { start, end } = found
  if (screen.alternate) {
    setModes(screen, bytes.toString('latin1', start + modeSwitch.length, end - 1), bytes[end - 1] === 0x68, listener)
    return end
  }
  const lineEnd = bytes.lastIndexOf(LF, start)
  if (lineEnd > from) return lineEnd
  for (let at = from; at < end; at++) take(screen, bytes[at]!, listener)
  return end
}

const isPlain = (byte: number): boolean => byte >= 0x20 && byte < 0x7f

export const takeOutput = (screen: EchoScreen, data: Uint8Array, listener: OutputListener): void => {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const lastLineEnd = bytes.lastIndexOf(LF)
  const lastSequence = bytes.lastIndexOf(ESC)
  let at = 0
  while (at < bytes.length) {
    // Only switches of modes count before the last line end, or before a full-screen program's last sequence.
    const to = screen.alternate ? lastSequence : lastLineEnd
    if (at < to && screen.phase === 'ground' && (screen.alternate || !listener.watches())) {
      screen.partial.missing = 0
      at = skip(screen, bytes, at, to, listener)
    } else if (isPlain(bytes[at]!) && screen.phase === 'ground' && !screen.alternate) {
      screen.partial.missing = 0
      at = putAscii(screen, bytes, at)
    } else take(screen, bytes[at++]!, listener)
  }
}
