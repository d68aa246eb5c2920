import type { Frame } from '#services/recordings/format/frame-batch.ts'
import type { TypedLine, Verdict } from './typed-line.ts'

/** A part of a typed frame. `verdict` null = it waits for its answer. */
export type Piece = {
  bytes: Uint8Array
  verdict: Verdict | null
  line: TypedLine
  keys: number
  echoed: number // bytes of it seen in the output so far
  typedMs: number
  outputMs: number | null // when the first output came that is held behind it
}

export type HeldFrame = { frame: Frame; pieces: Piece[] | null }

export const isDecided = ({ pieces }: HeldFrame): boolean =>
  pieces === null || pieces.every((piece) => piece.verdict !== null)

type Run = { start: number; end: number; verdict: Verdict }

const runsOf = (pieces: readonly Piece[]): Run[] => {
  const runs: Run[] = []
  let at = 0
  for (const { bytes, verdict } of pieces) {
    const last = runs.at(-1)
    if (last && last.verdict === verdict) last.end += bytes.length
    else runs.push({ start: at, end: at + bytes.length, verdict: verdict! })
    at += bytes.length
  }
  return runs
}

/** The frame as it may be recorded: whole, or cut into kept and masked ones; its delay stays on the first. */
export const releasedFrames = ({ frame, pieces }: HeldFrame): Frame[] => {
  if (pieces === null || pieces.every((piece) => piece.verdict === 'keep')) return [frame]
  return runsOf(pieces).map(({ start, end, verdict }, index) => ({
    delayNs: index === 0 ? frame.delayNs : 0n,
    stream: frame.stream,
    ...(verdict === 'keep'
      ? { data: frame.data.subarray(start, end) }
      : { data: new Uint8Array(0), masked: { length: end - start, rule: verdict } }),
  }))
}
