import { createZoneOffset, toUtc } from './zone-offset.ts'

const dayMs = 86_400_000
/** Lines may be this much out of order; further back means the next year. */
const maxBackMs = 7 * dayMs
const maxBackInHourMs = 600_000
const maxYears = 9 // between two 29 Februaries at most
const latestMs = Date.UTC(9999, 11, 30)
const months = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((name, index) => [
    name,
    index,
  ]),
)
const iso = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:)(\d\d)(?:[.,](\d{1,9}))?(Z|z|[+-]\d\d:?\d\d)?$/
const yearless = /^([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)$/

const inRange = (ms: number): number | null => (ms >= 0 && ms <= latestMs ? ms : null)

type Options = {
  zone: string
  year?: number | undefined
  notAfterMs?: (() => number) | undefined
  lastMs: number | null
}

/** Unix ms of what stands at the start of lines, in their order; null: no time that can be used. @throws RangeError: no such zone */
export const createLineTimes = ({ zone, year, notAfterMs, lastMs: from }: Options) => {
  const offsetAt = createZoneOffset(zone)
  let lastMs = from
  let minute = { text: '', ms: 0 } // of the line before, where its time was year-less

  let second = { text: '', length: 0, offset: '', ms: 0 } // of the line before, where its time was written with its zone

  /** The same second, written the same way: only the fraction is another. */
  const inSameSecond = (text: string): number | null => {
    const { length, offset } = second
    if (text.length !== length || !text.startsWith(second.text) || !text.endsWith(offset)) return null
    let fraction = 0
    for (let at = 20; at < 23; at++) {
      const digit = text.charCodeAt(at) - 48
      if (digit < 0 || digit > 9) return null
      fraction = fraction * 10 + digit
    }
    return second.ms + fraction
  }

  const ofIso = (text: string): number | null => {
    const same = inSameSecond(text)
    if (same !== null) return same
    const match = iso.exec(text)
    if (!match) return null
    const [, start, seconds, fraction, offset] = match
    const shown = seconds === '60' ? '59' : seconds // a leap second
    const plain = `${start}${shown}.${(fraction ?? '').slice(0, 3).padEnd(3, '0')}`
    if (offset !== undefined) {
      const ms = Date.parse(plain + offset.toUpperCase())
      if (fraction && fraction.length >= 3)
        second = { text: text.slice(0, 20), length: text.length, offset, ms: ms - (ms % 1000) }
      return ms
    }
    const wallMs = Date.parse(`${plain}Z`)
    return Number.isNaN(wallMs) ? null : toUtc(offsetAt, wallMs, (lastMs ?? 0) - maxBackInHourMs)
  }

  const inYear = (of: number, month: number, day: number, timeMs: number): number | null => {
    const wall = Date.UTC(of, month, day)
    if (new Date(wall).getUTCDate() !== day) return null // 29 February
    return toUtc(offsetAt, wall + timeMs, (lastMs ?? 0) - maxBackInHourMs)
  }

  const startYear = (): number | null => {
    if (lastMs !== null) return new Date(lastMs - maxBackMs).getUTCFullYear()
    if (year !== undefined) return year
    return notAfterMs ? new Date(notAfterMs() + dayMs).getUTCFullYear() : null
  }

  const ofYearless = (text: string): number | null => {
    if (text.startsWith(minute.text) && minute.text !== '') {
      const second = Number(text.slice(13))
      if (second >= 0 && second < 60) return minute.ms + second * 1000
    }
    const match = yearless.exec(text)
    const month = months.get(match?.[1] ?? '')
    const start = startYear()
    if (!match || month === undefined || start === null) return null
    const [day, hour, minutes, second] = match.slice(2).map(Number) as [number, number, number, number]
    if (hour > 23 || minutes > 59 || second > 60) return null
    const timeMs = (hour * 3600 + minutes * 60 + Math.min(second, 59)) * 1000
    const at = (of: number) => inYear(of, month, day, timeMs)
    const ms = choose(start, at)
    if (ms !== null) minute = { text: text.slice(0, 13), ms: ms - Math.min(second, 59) * 1000 }
    return ms
  }

  const choose = (start: number, at: (year: number) => number | null): number | null => {
    const earliest = lastMs === null ? Number.NEGATIVE_INFINITY : lastMs - maxBackMs
    const latest = notAfterMs ? notAfterMs() + dayMs : Number.POSITIVE_INFINITY
    for (let year = start; year < start + maxYears; year++) {
      const ms = at(year)
      if (ms !== null && ms >= earliest) {
        if (ms <= latest) return ms
        break
      }
    }
    // A clock that was wrong for a while must not carry all that follows into the next year.
    const last = new Date(Math.min(latest, latestMs)).getUTCFullYear()
    for (let year = last; year > last - maxYears; year--) {
      const ms = at(year)
      if (ms !== null && ms <= latest) return ms
    }
    return null
  }

  return {
    read: (time: number | string): number | null => {
      const ms = typeof time === 'number' ? time : time.charCodeAt(0) < 58 ? ofIso(time) : ofYearless(time)
      const usable = ms === null || Number.isNaN(ms) ? null : inRange(ms)
      if (usable !== null) {
        if (typeof time === 'number' || time.charCodeAt(0) < 58) minute = { text: '', ms: 0 }
        lastMs = usable
      }
      return usable
    },
    lastMs: () => lastMs,
  }
}
