import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { createTimingLog, type TimingEntry, timingRefused } from './timing-log.ts'

/** What the two streams of script(1) say together, in order. */
export type Step =
  | { do: 'frame'; frame: Frame }
  | { do: 'signal'; signal: string } // script itself got it
  | { do: 'exit'; exitCode: number }

/**
 * Joins the data of `script --log-io` (typed and shown bytes as they came, after one line of heading) with its timing
 * log, which says what is what. script writes the data first, so an entry waits for its bytes only while they are on
 * their way.
 */
export type Typescript = {
  /** @throws BTZ_SCRIPT_FORMAT */
  timing(bytes: Uint8Array): Step[]
  /** @throws BTZ_SCRIPT_FORMAT */
  data(bytes: Uint8Array): Step[]
  /** Bytes that no entry covers yet: after an exit script's own last line, else what was lost. */
  readonly unclaimedBytes: number
  readonly waitingEntries: number
}

const maxHeadingBytes = 64 * 1024
const maxElapsedNs = 100n * 366n * 86_400n * 1_000_000_000n
const newline = 0x0a
const joinAbove = 256 // chunks

/** Bytes in the order they came, taken in other pieces. */
const createBytes = () => {
  let chunks: Buffer[] = []
  let offset = 0 // in the first chunk
  let size = 0
  const join = (): Buffer => {
    const all = Buffer.concat(chunks).subarray(offset)
    chunks = [all]
    offset = 0
    return all
  }
  return {
    get size() {
      return size
    },
    join,
    push: (bytes: Uint8Array): void => {
      chunks.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      size += bytes.byteLength
      if (chunks.length > joinAbove) join()
    },
    take: (length: number): Buffer => {
      const first = chunks[0]
      const whole = first === undefined || first.length - offset < length ? join() : first
      const taken = whole.subarray(offset, offset + length)
      offset += length
      size -= length
      if (offset === whole.length) {
        chunks.shift()
        offset = 0
      }
      return taken
    },
  }
}

const sizeBytes = (rows: number, cols: number): Uint8Array =>
  Uint8Array.of(rows >> 8, rows & 0xff, cols >> 8, cols & 0xff)

export const createTypescript = (): Typescript => {
  const log = createTimingLog()
  const bytes = createBytes()
  let entries: TimingEntry[] = []
  let headed = false
  let elapsedNs = 0n
  let carriedNs = 0n // delay of an entry that makes no frame

  const delayOf = (delayNs: bigint): bigint => {
    elapsedNs += delayNs
    if (elapsedNs > maxElapsedNs) throw timingRefused('delays of more than a century')
    const all = carriedNs + delayNs
    carriedNs = 0n
    return all
  }
  const skipHeading = (): boolean => {
    if (headed) return true
    const end = bytes.join().indexOf(newline)
    if (end < 0 && bytes.size > maxHeadingBytes) throw timingRefused('data without its first line')
    if (end < 0) return false
    bytes.take(end + 1)
    headed = true
    return true
  }
  const stepOf = (entry: TimingEntry): Step => {
    if (entry.type === 'exit') return { do: 'exit', exitCode: entry.exitCode }
    const delayNs = delayOf(entry.delayNs)
    if (entry.type === 'data') {
      return { do: 'frame', frame: { delayNs, stream: entry.stream, data: bytes.take(entry.length) } }
    }
    if (entry.type === 'resize') {
      return { do: 'frame', frame: { delayNs, stream: Stream.RESIZE, data: sizeBytes(entry.rows, entry.cols) } }
    }
    carriedNs = delayNs
    return { do: 'signal', signal: entry.signal }
  }
  const steps = (): Step[] => {
    const hasHeading = skipHeading()
    const isReady = (entry: TimingEntry): boolean => entry.type !== 'data' || (hasHeading && entry.length <= bytes.size)
    const done: Step[] = []
    for (const entry of entries) {
      if (!isReady(entry)) break
      done.push(stepOf(entry))
    }
    entries = entries.slice(done.length)
    return done
  }

  return {
    timing: (text) => {
      entries.push(...log.push(text))
      return steps()
    },
    data: (chunk) => {
      bytes.push(chunk)
      return steps()
    },
    get unclaimedBytes() {
      return headed ? bytes.size : 0
    },
    get waitingEntries() {
      return entries.length
    },
  }
}
