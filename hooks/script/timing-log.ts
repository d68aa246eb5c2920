import { BartizanError } from '#services/errors.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'

/**
 * The timing log of script(1) in its advanced format, as `log_write`, `log_signal` and `log_info` of util-linux write it:
 * `I|O SECONDS.MICROSECONDS BYTES`, `S SECONDS.MICROSECONDS SIGNAME[ ROWS=n COLS=n]`, `H 0.000000 NAME[ VALUE]`.
 * Delays are since the entry before; those of `H` count for nothing.
 */
export type TimingEntry =
  | { type: 'data'; delayNs: bigint; stream: Stream; length: number }
  | { type: 'resize'; delayNs: bigint; rows: number; cols: number }
  | { type: 'signal'; delayNs: bigint; signal: string }
  | { type: 'exit'; exitCode: number }

const maxLineBytes = 16 * 1024 // script cuts what it writes at BUFSIZ, 8 KiB
/** script reads its terminal in pieces of BUFSIZ. */
const maxDataBytes = 64 * 1024

export const timingRefused = (what: string): BartizanError =>
  new BartizanError('BTZ_SCRIPT_FORMAT', `timing log of script: ${what}`)

const entryForm = /^([IOSH]) ([0-9]{1,9})\.([0-9]{6}) (.*)$/s
const resizeForm = /^SIGWINCH ROWS=([0-9]{1,5}) COLS=([0-9]{1,5})$/
const signalForm = /^(SIG[A-Z0-9+-]{1,16})$/
const exitForm = /^EXIT_CODE ([0-9]{1,3})$/

const dataEntry = (stream: Stream, delayNs: bigint, rest: string): TimingEntry => {
  const length = /^[0-9]{1,6}$/.test(rest) ? Number(rest) : Number.NaN
  if (!(length <= maxDataBytes)) throw timingRefused('a length that script never writes')
  return { type: 'data', delayNs, stream, length }
}

const signalEntry = (delayNs: bigint, rest: string): TimingEntry => {
  const size = resizeForm.exec(rest)
  const [rows, cols] = [Number(size?.[1]), Number(size?.[2])]
  if (rows <= 0xffff && cols <= 0xffff) return { type: 'resize', delayNs, rows, cols }
  const signal = signalForm.exec(rest)?.[1]
  if (signal === undefined) throw timingRefused('a signal that script never writes')
  return { type: 'signal', delayNs, signal }
}

/** One line without its end; null: a header that says nothing about the recording. @throws BTZ_SCRIPT_FORMAT */
export const parseTimingLine = (line: string): TimingEntry | null => {
  const [, kind, seconds, microseconds, rest = ''] = entryForm.exec(line) ?? []
  const delayNs = BigInt(seconds ?? 0) * 1_000_000_000n + BigInt(microseconds ?? 0) * 1000n
  if (kind === 'I') return dataEntry(Stream.TTYIN, delayNs, rest)
  if (kind === 'O') return dataEntry(Stream.TTYOUT, delayNs, rest)
  if (kind === 'S') return signalEntry(delayNs, rest)
  if (kind !== 'H') throw timingRefused('a line that script never writes')
  const exitCode = exitForm.exec(rest)?.[1]
  return exitCode === undefined ? null : { type: 'exit', exitCode: Number(exitCode) }
}

/** Cuts the log into lines, however it comes in pieces. @throws BTZ_SCRIPT_FORMAT */
export const createTimingLog = (): { push(bytes: Uint8Array): TimingEntry[] } => {
  let rest = ''
  return {
    push: (bytes) => {
      const lines = (rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')).split(
        '\n',
      )
      rest = lines.pop()!
      if (rest.length > maxLineBytes) throw timingRefused(`a line of more than ${maxLineBytes} bytes`)
      return lines.flatMap((line) => parseTimingLine(line) ?? [])
    },
  }
}
