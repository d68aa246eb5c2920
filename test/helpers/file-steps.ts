import { type FileEnding, type FileOpening, type FileStep, fileLimits } from '#hooks/recorded-file.ts'
import { hasCode } from '#services/errors.ts'
import { type Frame, Stream } from '#services/recordings/format/frame-batch.ts'

/** What the reader of a file gave, checked against what every one must keep. Null: it is no recording. */
export type Read = { opening: FileOpening; frames: Frame[]; gaps: string[]; ending: FileEnding }

const known = new Set<Stream>([
  ...[Stream.TTYOUT, Stream.TTYIN, Stream.STDIN, Stream.STDOUT, Stream.STDERR],
  ...[Stream.RESIZE, Stream.SUSPEND],
])

/** @throws what is wrong */
export const readOf = (steps: readonly FileStep[]): Read => {
  const [first, last] = [steps[0], steps.at(-1)]
  if (first?.kind !== 'opening' || last?.kind !== 'ending') throw new Error('no opening first, or no ending last')
  const frames = steps.flatMap((step) => (step.kind === 'frame' ? [step.frame] : []))
  const markers = steps.flatMap((step) => (step.kind === 'marker' ? [step.marker] : []))
  if (frames.length + markers.length + 2 !== steps.length) throw new Error('several openings or endings')
  let elapsedNs = 0n
  for (const { delayNs, stream, data } of frames) {
    if (delayNs < 0n) throw new Error(`a delay of ${delayNs}`)
    if (!known.has(stream)) throw new Error(`stream ${stream}`)
    if (stream === Stream.RESIZE && data.byteLength !== 4) throw new Error('a resize of no size')
    elapsedNs += delayNs
  }
  if (elapsedNs > fileLimits.elapsedNs) throw new Error(`${elapsedNs} ns`)
  const { startedAtMs } = first.opening
  if (startedAtMs !== null && !(Number.isSafeInteger(startedAtMs) && startedAtMs >= 0)) throw new Error('a start')
  const gaps = markers.flatMap((marker) => (marker.type === 'gap' ? [marker.detail] : []))
  return { opening: first.opening, frames, gaps, ending: last.ending }
}

/** All of a file through a parser that takes it piece by piece. */
export const parseAll = (
  parser: { push(chunk: Buffer): FileStep[]; end(): FileStep[] },
  chunks: readonly Buffer[],
): Read | null => {
  try {
    return readOf([...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()])
  } catch (error) {
    if (hasCode(error, 'BTZ_IMPORT_FAILED')) return null
    throw error
  }
}

export const bytesIn = (frames: readonly Frame[], stream: Stream): Buffer =>
  Buffer.concat(frames.filter((frame) => frame.stream === stream).map(({ data }) => data))

/** To compare two readings of the same. */
export const described = (read: Read | null): string =>
  JSON.stringify(read, (_key, value: unknown) =>
    typeof value === 'bigint'
      ? String(value)
      : value instanceof Uint8Array
        ? Buffer.from(value).toString('latin1')
        : value,
  )
