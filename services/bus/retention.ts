export type SegmentAge = { endOffset: number; changedAtMs: number }
export type RetentionLimits = {
  olderThanMs: number // Unix ms
  committedByAll: number // the lowest offset any group has durably committed
}

/** How many of the oldest segments may go: past their time, and done by every group. Never one out of the middle. */
export const countExpired = (segments: SegmentAge[], { olderThanMs, committedByAll }: RetentionLimits): number => {
  const kept = segments.findIndex(
    ({ endOffset, changedAtMs }) => changedAtMs >= olderThanMs || committedByAll < endOffset,
  )
  return kept === -1 ? segments.length : kept
}
