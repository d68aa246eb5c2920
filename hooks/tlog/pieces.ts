import { Stream } from '#services/recordings/format/frame-batch.ts'
import type { TlogMessage } from './message.ts'

/** Bytes of one stream, or a resize, `atMs` since the recording's start. */
export type Piece = { atMs: number; stream: Stream; data: Uint8Array }

const entry = /\+(\d{1,12})|([<>])(\d{1,6})|([[\]])(\d{1,6})\/(\d{1,6})|=(\d{1,5})x(\d{1,5})/y
const maxAtMs = 2 ** 43 // some 278 years
const maxSide = 0xffff

/** Reads characters (code points) of a text, and bytes of what stood where it was no UTF-8. */
const createCursor = (text: string, binary: readonly number[]) => {
  let at = 0
  let binaryAt = 0
  const behind = (characters: number): number => {
    let end = at
    for (let left = characters; left > 0 && end < text.length; left--) end += text.codePointAt(end)! > 0xffff ? 2 : 1
    return end
  }
  const step = (characters: number): string | null => {
    const end = behind(characters)
    const taken = text.slice(at, end)
    // Less than asked for: code points are at most as many as UTF-16 units, so a short text is found here.
    if (end === text.length && [...taken].length < characters) return null
    at = end
    return taken
  }
  return {
    text: (characters: number): Uint8Array | null => {
      const taken = step(characters)
      return taken === null ? null : Buffer.from(taken)
    },
    /** Instead of so many replacement characters, the bytes they stand for. */
    bytes: (characters: number, count: number): Uint8Array | null => {
      if (step(characters) === null || binaryAt + count > binary.length) return null
      binaryAt += count
      return Uint8Array.from(binary.slice(binaryAt - count, binaryAt))
    },
    isAtEnd: () => at === text.length && binaryAt === binary.length,
  }
}
type Cursor = ReturnType<typeof createCursor>

const dataOf = (cursor: Cursor, match: RegExpExecArray): Uint8Array | null =>
  match[2] === undefined ? cursor.bytes(Number(match[5]), Number(match[6])) : cursor.text(Number(match[3]))

const windowOf = (columns: number, rows: number): Uint8Array | null =>
  columns > maxSide || rows > maxSide ? null : Uint8Array.of(rows >> 8, rows & 0xff, columns >> 8, columns & 0xff)

/** What was typed, shown and resized, in order, to the byte; or why the message makes no sense as a whole. */
export const piecesOf = (message: TlogMessage): Piece[] | string => {
  const { timing, in_txt, in_bin, out_txt, out_bin } = message
  if (!in_txt.isWellFormed() || !out_txt.isWellFormed()) return 'its text has half a character'
  const input = createCursor(in_txt, in_bin)
  const output = createCursor(out_txt, out_bin)
  const pieces: Piece[] = []
  let atMs = message.pos
  entry.lastIndex = 0
  while (entry.lastIndex < timing.length) {
    const match = entry.exec(timing)
    if (match === null) return 'its timing cannot be read'
    if (match[1] !== undefined) {
      atMs += Number(match[1])
      if (atMs > maxAtMs) return 'its timing leads beyond all times'
      continue
    }
    const isInput = match[2] === '<' || match[4] === '['
    const isWindow = match[7] !== undefined
    const data = isWindow ? windowOf(Number(match[7]), Number(match[8])) : dataOf(isInput ? input : output, match)
    if (data === null) return 'its timing names more than there is'
    const stream = isWindow ? Stream.RESIZE : isInput ? Stream.TTYIN : Stream.TTYOUT
    if (data.byteLength > 0) pieces.push({ atMs, stream, data })
  }
  return input.isAtEnd() && output.isAtEnd() ? pieces : 'its timing names less than there is'
}
