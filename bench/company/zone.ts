/** Days are civil dates counted from 1970-01-01; minutes are of the local day and may pass 1440. */
export const dayMs = 86_400_000
export const minuteMs = 60_000

const formatters = new Map<string, Intl.DateTimeFormat>()
const offsets = new Map<string, number>()

const formatter = (zone: string) => {
  const known = formatters.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  formatters.set(zone, made)
  return made
}

const offsetMs = (zone: string, ms: number): number => {
  const quarterHour = Math.floor(ms / 900_000)
  const key = `${zone}/${quarterHour}`
  const known = offsets.get(key)
  if (known !== undefined) return known
  const at = quarterHour * 900_000
  const part = Object.fromEntries(
    formatter(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const local = Date.UTC(part.year ?? 0, (part.month ?? 1) - 1, part.day, part.hour, part.minute)
  offsets.set(key, local - at)
  return local - at
}

export const toUtc = (zone: string, day: number, minute: number): number => {
  const wall = day * dayMs + minute * minuteMs
  const guess = wall - offsetMs(zone, wall)
  return wall - offsetMs(zone, guess)
}

export const weekday = (day: number) => (day + 4) % 7 // 0 = Sunday
export const isWeekend = (day: number) => weekday(day) === 0 || weekday(day) === 6
export const dateOf = (day: number) => new Date(day * dayMs).toISOString().slice(0, 10)
export const dayOf = (date: string) => Math.floor(Date.parse(`${date}T00:00:00Z`) / dayMs)
export const iso = (ms: number) => new Date(Math.round(ms)).toISOString()
