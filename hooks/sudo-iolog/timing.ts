import { fileLimits, sizeOrNull } from '#hooks/recorded-file.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'

/** The file names of an I/O log that hold bytes, by the number of their event (sudo's iolog.h). */
export const byteStreams = [
  { file: 'stdin', stream: Stream.STDIN },
  { file: 'stdout', stream: Stream.STDOUT },
  { file: 'stderr', stream: Stream.STDERR },
  { file: 'ttyin', stream: Stream.TTYIN },
  { file: 'ttyout', stream: Stream.TTYOUT },
] as const
export type StreamFile = (typeof byteStreams)[number]['file']

const resizeEvent = 5
const ttyoutOf187 = 6
const suspendEvent = 7

export type Timing = { delayNs: bigint } & (
  | { do: 'bytes'; file: StreamFile; stream: Stream; count: number }
  | { do: 'resize'; rows: number; cols: number }
  | { do: 'suspend'; signal: string }
)

export const maxTimingChars = 1024

const delayOf = (seconds: string, fraction = ''): bigint | null => {
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
  return ns <= fileLimits.elapsedNs ? ns : null
}

const whatOf = (event: number, rest: string): object | null => {
  const place = byteStreams[event]
  if (place) {
    const count = Number(rest)
    return /^\d{1,15}$/.test(rest) ? { do: 'bytes', ...place, count } : null
  }
  if (event === suspendEvent) return /^[A-Z0-9+-]{1,16}$/.test(rest) ? { do: 'suspend', signal: rest } : null
  const [, first, second] = /^(\d{1,5})\s+(\d{1,5})$/.exec(rest) ?? []
  const [rows, cols] = [sizeOrNull(Number(first)), sizeOrNull(Number(second))]
  return event === resizeEvent && rows !== null && cols !== null ? { do: 'resize', rows, cols } : null
}

/**
 * Lines of `timing`: `event delay argument` (sudoreplay's iolog_timing.c). sudo before 1.7.4 wrote the decimal point of
 * the user's language; 1.8.7 wrote numbers that are two too high, and its output as 6 tells so.
 */
export const createTimingReader = () => {
  let shift = 0
  return (line: string): Timing | null => {
    const [, number, seconds, fraction, rest] =
      /^(\d{1,2})\s+(\d{1,12})(?:[^\d\s](\d{1,18}))?\s+(\S[^\r\n]{0,60})$/.exec(line) ?? []
    if (number === undefined || seconds === undefined || rest === undefined) return null
    if (Number(number) === ttyoutOf187) shift = 2
    const delayNs = delayOf(seconds, fraction)
    const what = whatOf(Number(number) - shift, rest.trim())
    return delayNs === null || what === null ? null : ({ delayNs, ...what } as Timing)
  }
}
