import { maxLineBytes } from './line-source.ts'

export type SplitLine = {
  text: string
  /** Bytes from the start up to and with its line end. */
  end: number
  /** Bytes that were cut off behind the first 64 KiB. */
  cutBytes: number
}

const newline = 10
const carriageReturn = 13

/** A file written past its end holds NULs where nothing was written: they are no part of a line. */
const behindNuls = (bytes: Buffer): Buffer => {
  let start = 0
  while (bytes[start] === 0) start += 1
  return start === 0 ? bytes : bytes.subarray(start)
}

/** Lines of a stream of bytes; of the one that is not whole yet at most 64 KiB are held. `offset`: bytes before its first. */
export const createLineSplitter = (offset: number) => {
  let end = offset
  let held: Buffer[] = []
  let heldBytes = 0
  let cutBytes = 0

  const hold = (piece: Buffer): void => {
    const bytes = heldBytes === 0 ? behindNuls(piece) : piece
    const kept = bytes.subarray(0, maxLineBytes - heldBytes)
    cutBytes += bytes.length - kept.length
    if (kept.length === 0) return
    held.push(Buffer.from(kept)) // the chunk's memory is used again
    heldBytes += kept.length
  }

  const finish = (): SplitLine => {
    const bytes = held.length === 1 ? held[0]! : Buffer.concat(held)
    const line = { text: textOf(bytes, 0, bytes.length), end, cutBytes }
    held = []
    heldBytes = 0
    cutBytes = 0
    return line
  }

  const textOf = (bytes: Buffer, start: number, stop: number): string =>
    bytes.toString('utf8', start, bytes[stop - 1] === carriageReturn && stop > start ? stop - 1 : stop)

  const isPlain = (chunk: Buffer, start: number, stop: number): boolean =>
    heldBytes === 0 && cutBytes === 0 && stop - start <= maxLineBytes && chunk[start] !== 0

  return {
    push: (chunk: Buffer): SplitLine[] => {
      const lines: SplitLine[] = []
      let start = 0
      for (let stop = chunk.indexOf(newline); stop >= 0; stop = chunk.indexOf(newline, start)) {
        end += stop + 1 - start
        if (isPlain(chunk, start, stop)) lines.push({ text: textOf(chunk, start, stop), end, cutBytes: 0 })
        else {
          hold(chunk.subarray(start, stop))
          lines.push(finish())
        }
        start = stop + 1
      }
      end += chunk.length - start
      if (start < chunk.length) hold(chunk.subarray(start))
      return lines
    },
    /** What came after the last line end: a line, now that nothing can follow. */
    rest: (): SplitLine | null => (heldBytes + cutBytes === 0 ? null : finish()),
  }
}
export type LineSplitter = ReturnType<typeof createLineSplitter>
