import type { AlisBegin } from './alis-stream.ts'

/** A stream as far as it is known. `elapsedUs`: on its producer's clock; `atMs`: on ours, when that was heard. */
export type Heard = { lastId: bigint; elapsedUs: bigint; atMs: number }

const toleranceUs = 10_000_000n // what was heard may have been on its way as long as asciinema takes to give up a send

/**
 * How far a producer that begins is from where this stream should stand by now, in us; null: it is another one. ALiS has
 * no name for a stream, but the numbers of its events never go back, and its clock goes no faster than ours.
 */
const distanceUs = (heard: Heard, { lastId, elapsedUs }: AlisBegin, nowMs: number): bigint | null => {
  const expectedUs = heard.elapsedUs + BigInt(Math.max(0, Math.round((nowMs - heard.atMs) * 1000)))
  const isLater = lastId > 0n && lastId >= heard.lastId && elapsedUs >= heard.elapsedUs
  if (!isLater || elapsedUs > expectedUs + toleranceUs) return null
  return elapsedUs > expectedUs ? elapsedUs - expectedUs : expectedUs - elapsedUs
}

/** Which of the streams the producer goes on with; null: it is a new one. */
export const sameStream = <T extends { heard: Heard }>(
  streams: readonly T[],
  begin: AlisBegin,
  nowMs: number,
): T | null => {
  let found: { stream: T; distance: bigint } | null = null
  for (const stream of streams) {
    const distance = distanceUs(stream.heard, begin, nowMs)
    if (distance !== null && (found === null || distance < found.distance)) found = { stream, distance }
  }
  return found?.stream ?? null
}
