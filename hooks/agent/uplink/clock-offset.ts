/** A heartbeat's way: when it left and how long the answer took, and the receiver's clock at both ends of its part. */
export type Exchange = { sentAtMs: number; tookMs: number; receivedAtMs: number; answeredAtMs: number }

const maxTravelMs = 4_000 // the offset is known to half of it
const roundingMs = 5

/**
 * Our clock less the receiver's, in ms, by both ways of a message (RFC 5905, 8: theta). Null: it was under way for too long
 * to tell. `tookMs` is of a clock that nobody sets.
 */
export const clockOffsetMs = ({ sentAtMs, tookMs, receivedAtMs, answeredAtMs }: Exchange): number | null => {
  const travelMs = tookMs - (answeredAtMs - receivedAtMs)
  if (travelMs < -roundingMs || travelMs > maxTravelMs) return null
  const theirsLessOurs = (receivedAtMs - sentAtMs + (answeredAtMs - (sentAtMs + tookMs))) / 2
  return -Math.round(theirsLessOurs) || 0
}
