import type { DetectorSettings } from '#services/schema/detector-settings.ts'
import { type ActiveDays, withDay } from '../../baselines/active-days.ts'
import { dayMs } from '../../utc-day.ts'
import type { OpenIncident } from './incident.ts'
import type { Place } from './place.ts'

/** An address that a user came from. `isShared`: others come from there too. */
export type KnownAddress = Place & {
  firstMs: number
  lastMs: number
  days: number
  isShared: boolean
  isAlerted: boolean
}
export type SourceState = {
  addresses: readonly KnownAddress[]
  days: ActiveDays
  open: readonly OpenIncident[]
}
export type SourceSettings = DetectorSettings['newSourceIp']

export const noSources: SourceState = { addresses: [], days: [], open: [] }

/** A day with a login, from wherever. */
export const withLoginDay = (state: SourceState, timeMs: number, { historyDays }: SourceSettings): SourceState => {
  const days = withDay(state.days, Math.floor(timeMs / dayMs), historyDays)
  return days === state.days ? state : { ...state, days }
}

/** Once more from an address that is known; on most logins nothing changes. */
export const seenAgain = (
  state: SourceState,
  known: KnownAddress,
  { timeMs, isShared }: { timeMs: number; isShared: boolean },
  settings: SourceSettings,
): SourceState => {
  const after = withLoginDay(state, timeMs, settings)
  const isNewDay = Math.floor(timeMs / dayMs) > Math.floor(known.lastMs / dayMs)
  if (!isNewDay && timeMs >= known.firstMs && (known.isShared || !isShared)) return after
  const updated: KnownAddress = {
    ...known,
    firstMs: Math.min(known.firstMs, timeMs),
    lastMs: Math.max(known.lastMs, timeMs),
    days: known.days + (isNewDay ? 1 : 0),
    isShared: known.isShared || isShared,
  }
  return { ...after, addresses: after.addresses.map((one) => (one === known ? updated : one)) }
}

/** What was alerted goes last: nobody is to hear of it twice. */
const toForget = (addresses: readonly KnownAddress[]): KnownAddress =>
  addresses.reduce((a, b) => {
    if (a.isAlerted !== b.isAlerted) return a.isAlerted ? b : a
    return b.lastMs < a.lastMs ? b : a
  })

export const seenFirst = (state: SourceState, address: KnownAddress, settings: SourceSettings): SourceState => {
  const all = [...state.addresses, address]
  const forgotten = all.length > settings.addresses ? toForget(all) : null
  return {
    ...withLoginDay(state, address.firstMs, settings),
    addresses: forgotten === null ? all : all.filter((one) => one !== forgotten),
  }
}

/** On which share of days something new turned up, the first one aside; a little more than seen, for those of few days. */
export const newRate = (
  { addresses, days }: SourceState,
  keyOf: (address: KnownAddress) => string | null,
  { historyDays }: SourceSettings,
): number => {
  const firstMs = ((days.at(-1) ?? 0) - historyDays) * dayMs
  const keys = new Set<string>()
  for (const address of addresses) {
    if (address.isShared || address.lastMs < firstMs) continue
    const key = keyOf(address)
    if (key !== null) keys.add(key)
  }
  return (Math.max(0, keys.size - 1) + 0.2) / (days.length + 5)
}
