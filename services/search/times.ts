/** Times and lengths of time as people type them. Null: it is none. */

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const maxLengthMs = 100 * 365 * 86_400_000

/** `90s`, `1h30m`, `2w`. */
export const lengthMs = (text: string): number | null => {
  if (!/^(?:\d{1,9}[smhdw]){1,5}$/.test(text)) return null
  const parts = [...text.matchAll(/(\d+)([smhdw])/g)]
  const sum = parts.reduce((total, [, count, unit]) => total + Number(count) * unitMs[unit!]!, 0)
  return sum <= maxLengthMs ? sum : null
}

/** What a clock in the zone shows, as if it were UTC. */
const shownMs = (atMs: number, tz: string): number => {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: tz,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  }).formatToParts(atMs)
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value)
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
}

/** When a clock in the zone shows this; in the hour that a clock skips, as if it did not; in one that comes twice, the first. */
const whenShown = (wantedMs: number, tz: string): number => {
  const offsetAt = (atMs: number): number => shownMs(atMs, tz) - Math.floor(atMs / 1_000) * 1_000
  const candidates = [wantedMs - 86_400_000, wantedMs + 86_400_000].map((near) => wantedMs - offsetAt(near))
  const right = candidates.filter((atMs) => atMs + offsetAt(atMs) === wantedMs)
  return right.length > 0 ? Math.min(...right) : candidates[0]!
}

const dayMs = unitMs.d!
const startOfDay = (atMs: number, tz: string, daysBefore = 0): number =>
  whenShown(Math.floor(shownMs(atMs, tz) / dayMs) * dayMs - daysBefore * dayMs, tz)

const datePattern = /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?)?)?$/
const zonedPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/

const dated = (text: string, tz: string): number | null => {
  const found = datePattern.exec(text)
  if (found === null) return null
  const [year, month, day = 1, hour = 0, minute = 0, second = 0] = found
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part))) as [number, number, ...(number | undefined)[]]
  const wantedMs = Date.UTC(year, month - 1, day, hour, minute, second)
  const back = new Date(wantedMs)
  const isReal =
    back.getUTCMonth() === month - 1 && back.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  return isReal && year >= 1000 ? whenShown(wantedMs, tz) : null
}

/** A month, a date, a date and time (in the zone, or with its own), `today`, `yesterday`, `now`, or how long before now. */
export const instantMs = (text: string, { nowMs, tz }: { nowMs: number; tz: string }): number | null => {
  if (text === 'now') return nowMs
  if (text === 'today') return startOfDay(nowMs, tz)
  if (text === 'yesterday') return startOfDay(nowMs, tz, 1)
  const ago = lengthMs(text)
  if (ago !== null) return nowMs - ago
  if (zonedPattern.test(text)) {
    const atMs = Date.parse(text)
    return Number.isFinite(atMs) ? atMs : null
  }
  return dated(text, tz)
}
