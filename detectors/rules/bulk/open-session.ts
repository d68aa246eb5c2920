import type { Total } from './flow.ts'

/** What one session moved so far. `rest…`: bytes of its streams that no file transfer explains. */
export type OpenSession = {
  id: string
  day: number // to which all that it moves is counted
  startMs: number | null
  lastMs: number
  download: Total
  upload: Total
  restOut: number
  restIn: number
}
export type Direction = 'download' | 'upload'

const maxOpen = 16
const keepMs = 12 * 3_600_000

export const newSession = (id: string, day: number, timeMs: number): OpenSession => ({
  id,
  day,
  startMs: null,
  lastMs: timeMs,
  download: { bytes: 0, files: 0 },
  upload: { bytes: 0, files: 0 },
  restOut: 0,
  restIn: 0,
})

/** With the session as it is now; `over`: those that made room or were idle for long. */
export const withOpen = (
  open: readonly OpenSession[],
  session: OpenSession,
): { open: readonly OpenSession[]; over: readonly OpenSession[] } => {
  const others = open.filter(({ id }) => id !== session.id)
  const idle = others.filter(({ lastMs }) => lastMs < session.lastMs - keepMs)
  const kept = others.filter(({ lastMs }) => lastMs >= session.lastMs - keepMs)
  const surplus = kept.slice(0, Math.max(0, kept.length - maxOpen + 1))
  return { open: [...kept.slice(surplus.length), session], over: [...idle, ...surplus] }
}
