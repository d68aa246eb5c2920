import type { ActiveDays } from '../../baselines/active-days.ts'
import type { Finding, Observed } from '../../rule.ts'
import { type HourHistory, noHours } from './hour-history.ts'

/** Where somebody logs in from, as far as it matters for the hours. */
export type From = { network: string; asn: number | null }
/** `isDoubtful`: it began with an alert, and was not seen on many days since. */
export type KnownFrom = From & { lastDay: number; days: number; isDoubtful: boolean }

/**
 * What was told of the last nights in a row from one place, the current one last. `there` and `elsewhere`: logins at any hour
 * since `sinceMs`, from that place and from others.
 */
export type Night = {
  findings: readonly Finding[]
  from: From | null // null: from a known place
  sinceMs: number
  there: number
  elsewhere: number
}
/** Where the user is now: the hours at home mean nothing, and those of here count when it lasts. */
export type Away = From & { untilMs: number; history: HourHistory }

export type HoursState = {
  history: HourHistory
  nights: ActiveDays // with logins far from what is usual; the fraction is the hour, from noon to noon
  places: readonly KnownFrom[]
  night: Night | null
  away: Away | null
}

export const noNights: HoursState = { history: noHours, nights: [], places: [], night: null, away: null }

const maxPlaces = 24

export const isSame = (a: From, b: From): boolean => a.network === b.network || (a.asn !== null && a.asn === b.asn)

const trustDays = 3

/** With a place, and the day it was last seen. */
export const withPlace = (state: HoursState, from: From, day: number, isDoubtful: boolean): HoursState => {
  const known = state.places.find(({ network }) => network === from.network)
  if (known && known.lastDay >= day) return state
  const others = state.places.filter((place) => place !== known)
  const kept = others.length < maxPlaces ? others : others.toSorted((a, b) => b.lastDay - a.lastDay).slice(0, -1)
  const days = (known?.days ?? 0) + 1
  const place = { ...from, lastDay: day, days, isDoubtful: (known?.isDoubtful ?? isDoubtful) && days < trustDays }
  return { ...state, places: [...kept, place] }
}

const maxSessions = 20

export const withAnother = (finding: Finding, { event, timeMs }: Observed): Finding => {
  const known = finding.sessionIds ?? []
  const isNew = event.sessionId && known.length < maxSessions && !known.includes(event.sessionId)
  return {
    ...finding,
    sessionIds: isNew ? [...known, event.sessionId!] : known,
    count: finding.count + 1,
    firstEventMs: Math.min(finding.firstEventMs, timeMs),
    lastEventMs: Math.max(finding.lastEventMs, timeMs),
  }
}
