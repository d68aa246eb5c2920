const dayMs = 86_400_000

/** The end of the UTC day, so that all blocks of a session of one day share their date and need no extension. */
export const retainUntil = (nowMs: number, retentionDays: number): Date =>
  new Date((Math.floor(nowMs / dayMs) + 1 + retentionDays) * dayMs)
