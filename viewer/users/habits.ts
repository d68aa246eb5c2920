import type { SessionEvent } from '#services/schema/session-event.ts'

const hoursOfWeek = 168
const hoursOfDay = 24
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const mostPlaces = 100
const hourMs = 3_600_000

type Place = { name: string; count: number; firstAt: string; lastAt: string }

/** Zones shift at full quarters of an hour: what begins in the same one is in the same hour of the week. */
const hourOfWeekIn = (zone: string): ((atMs: number) => number) => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: 'numeric',
    hourCycle: 'h23',
  })
  const known = new Map<number, number>()
  return (atMs) => {
    const quarter = Math.floor(atMs / (hourMs / 4))
    const before = known.get(quarter)
    if (before !== undefined) return before
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
    const hour = weekdays.indexOf(parts.get('weekday')!) * hoursOfDay + Number(parts.get('hour'))
    known.set(quarter, hour)
    return hour
  }
}

/** By how often, at most so many. `events`: newest first. */
const placesOf = (events: readonly SessionEvent[], nameOf: (event: SessionEvent) => string | null): Place[] => {
  const places = new Map<string, Place>()
  for (const event of events) {
    const name = nameOf(event)
    if (name === null) continue
    const known = places.get(name)
    if (known) {
      known.count++
      known.firstAt = event.at
    } else places.set(name, { name, count: 1, firstAt: event.at, lastAt: event.at })
  }
  return [...places.values()].sort((a, b) => b.count - a.count).slice(0, mostPlaces)
}

/** When and where from somebody logs in. `logins`: newest first. */
export const habitsOf = (logins: readonly SessionEvent[], zone: string) => {
  const hours = new Array<number>(hoursOfWeek).fill(0)
  const hourOf = hourOfWeekIn(zone)
  for (const { at } of logins) hours[hourOf(Date.parse(at))]!++
  return {
    hours,
    addresses: placesOf(logins, ({ sourceIp }) => sourceIp ?? null).map(({ name: ip, ...seen }) => ({ ip, ...seen })),
    hosts: placesOf(logins, ({ target, bastion }) => target ?? bastion).map(({ name: host, ...seen }) => ({
      host,
      ...seen,
    })),
    lastLoginAt: logins[0]?.at ?? null,
    from: logins.at(-1)?.at ?? null,
  }
}
