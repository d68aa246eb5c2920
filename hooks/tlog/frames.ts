import type { Frame } from '#services/recordings/format/frame-batch.ts'
import type { Piece } from './pieces.ts'

const nsPerMs = 1_000_000n

/**
 * Pieces as frames of a session that has lasted `elapsedNs`. tlog counts in ms; each frame gets a time of its own, 1 ns
 * later at least, so that a time names one place in the stream, where a recording can be gone on with.
 */
export const framesOf = (pieces: readonly Piece[], elapsedNs: bigint): { frames: Frame[]; elapsedNs: bigint } => {
  let now = elapsedNs
  const frames = pieces.map(({ atMs, stream, data }): Frame => {
    const wanted = BigInt(atMs) * nsPerMs - now
    const delayNs = wanted > 0n ? wanted : 1n
    now += delayNs
    return { delayNs, stream, data }
  })
  return { frames, elapsedNs: now }
}
