import { dayMs } from '../utc-day.ts'
import { momentOfWall } from './zone-time.ts'

/** Unix ms of what a row says. Without an offset it is the time in `zone`; a date alone is its start. */
export const startMsOf = (text: string, zone: string): number => {
  const iso = text.replace(' ', 'T')
  if (/(?:Z|[+-]\d\d:?\d\d)$/.test(iso) && iso.length > 10) return Date.parse(iso)
  return momentOfWall(zone, Date.parse(iso.length === 10 ? `${iso}T00:00Z` : `${iso}Z`))
}

/** Likewise, but a date alone is the end of that day. */
const endMsOf = (text: string, zone: string): number =>
  text.length === 10 ? momentOfWall(zone, Date.parse(`${text}T00:00Z`) + dayMs) : startMsOf(text, zone)

type Plan = { start?: string | null; end?: string | null; createdAt?: string | null }
export type Span = { startMs: number; endMs: number }

/** From when to when a row counts: unknown before it was made, for ever where it does not say. */
export const spanOf = ({ start, end, createdAt }: Plan, zone: string): Span => ({
  startMs: Math.max(
    start ? startMsOf(start, zone) : Number.NEGATIVE_INFINITY,
    createdAt ? startMsOf(createdAt, zone) : Number.NEGATIVE_INFINITY,
  ),
  endMs: end ? endMsOf(end, zone) : Number.POSITIVE_INFINITY,
})
