import { maxLineBytes } from './line-source.ts'
import { createLineSplitter } from './line-splitter.ts'

export type Frame = { text: string; cutBytes: number }

const space = 32
const lessThan = 60
const maxCountDigits = 7
const isDigit = (code: number | undefined): boolean => code !== undefined && code >= 48 && code <= 57

/** Of a counted frame or a datagram: a line, whatever it holds. */
export const frameOf = (bytes: Buffer): Frame => ({
  text: bytes
    .toString('utf8', 0, maxLineBytes)
    .replace(/[\r\n\0]+$/, '')
    .replace(/[\r\n\0]/g, ' '),
  cutBytes: Math.max(0, bytes.length - maxLineBytes),
})

/** Octets of a counted frame (RFC 6587, 3.4.1: `LENGTH SP <PRI>…`); 0: it is none; undefined: more bytes must come first. */
const countOf = (bytes: Buffer): { count: number; start: number } | 0 | undefined => {
  let digits = 0
  while (digits <= maxCountDigits && isDigit(bytes[digits])) digits += 1
  if (digits === bytes.length) return digits > maxCountDigits ? 0 : undefined
  if (digits === 0 || digits > maxCountDigits || bytes[digits] !== space) return 0
  if (digits + 1 === bytes.length) return undefined
  return bytes[digits + 1] === lessThan ? { count: Number(bytes.toString('latin1', 0, digits)), start: digits + 1 } : 0
}

/** Frames of a stream: counted or ended by a newline, told apart frame by frame. Holds at most 64 KiB and a chunk. */
export const createSyslogFrames = () => {
  let bytes: Buffer = Buffer.alloc(0) // of a frame whose form or end is still to come
  let counted: { held: Buffer[]; heldBytes: number; left: number; cutBytes: number } | null = null
  let line: ReturnType<typeof createLineSplitter> | null = null

  const takeCounted = (frames: Frame[]): void => {
    const frame = counted!
    const piece = bytes.subarray(0, frame.left)
    bytes = bytes.subarray(piece.length)
    frame.left -= piece.length
    const kept = piece.subarray(0, maxLineBytes - frame.heldBytes)
    frame.cutBytes += piece.length - kept.length
    frame.held.push(Buffer.from(kept))
    frame.heldBytes += kept.length
    if (frame.left > 0) return
    frames.push({ text: frameOf(Buffer.concat(frame.held)).text, cutBytes: frame.cutBytes })
    counted = null
  }

  const takeLine = (frames: Frame[]): void => {
    const end = bytes.indexOf(10)
    const piece = end < 0 ? bytes : bytes.subarray(0, end + 1)
    bytes = bytes.subarray(piece.length)
    frames.push(...line!.push(piece))
    if (end >= 0) line = null
  }

  /** false: more bytes must come first. */
  const begin = (): boolean => {
    const count = countOf(bytes)
    if (count === undefined) return false
    if (count === 0) line = createLineSplitter(0)
    else {
      counted = { held: [], heldBytes: 0, left: count.count, cutBytes: 0 }
      bytes = bytes.subarray(count.start)
    }
    return true
  }

  return {
    push: (chunk: Buffer): Frame[] => {
      const frames: Frame[] = []
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      while (bytes.length > 0) {
        if (counted) takeCounted(frames)
        else if (line) takeLine(frames)
        else if (!begin()) break
      }
      return frames
    },
    /** What a sender left unfinished. */
    rest: (): Frame | null => line?.rest() ?? (counted ? frameOf(Buffer.concat(counted.held)) : null),
  }
}
