import type { Observed, OriginFacts, RuleContext } from '../../rule.ts'
import { newRate, type SourceState } from './address-history.ts'
import { isSameProvider, type Place } from './place.ts'

/** How much of where a login came from is new to its user. `unknown`: no database says where it is. */
export type Novelty = 'address' | 'provider' | 'country' | 'foreign' | 'unknown'

export const noveltyOf = (
  state: SourceState,
  place: Place,
  user: string,
  atMs: number,
  context: RuleContext,
): Novelty => {
  const { addresses } = state
  const { directory } = context
  if (addresses.some(({ network }) => network === place.network)) return 'address'
  if (addresses.some((known) => isSameProvider(known, place))) return 'provider'
  if (place.country === null) return 'unknown'
  const isHome = directory.person(user, atMs)?.country === place.country
  return isHome || addresses.some(({ country }) => country === place.country) ? 'country' : 'foreign'
}

/** Why a new place is nothing to alert; null: nothing explains it. */
export const explanationOf = (
  place: Place,
  { event, timeMs }: Observed,
  origin: OriginFacts | null,
  context: RuleContext,
): string | null => {
  const { directory, settings, subject } = context
  const { peers, travelMarginMs } = settings.newSourceIp
  const user = subject.key
  const isService = directory.person(user, timeMs)?.accountType === 'service' // where people come from is no place of its own
  if (!isService && origin && origin.otherUsers >= peers)
    return `${origin.otherUsers} others came from this address within 30 days`
  if (!isService && origin && origin.networkUsers >= peers)
    return `${origin.networkUsers} others came from its network within 30 days`
  const [ticket] = directory
    .tickets({ user, target: event.target ?? null, sourceIp: place.ip }, timeMs)
    .filter(({ type }) => movingTickets.has(type))
  if (ticket) return `ticket ${ticket.id} (${ticket.type}) is in force`
  const journey = [timeMs, timeMs - travelMarginMs, timeMs + travelMarginMs]
    .map((atMs) => directory.travelOf(user, atMs))
    .find((travel) => travel && isOf(travel.country, place.country))
  return journey ? `a journey to ${journey.city ?? (journey.country || 'somewhere')} is planned` : null
}
const movingTickets: ReadonlySet<string> = new Set(['reorganisation', 'migration', 'pentest'])
const isOf = (planned: string, found: string | null): boolean => planned === '' || found === null || planned === found

/** How often something as new as this turns up with this user, and from where on it is a habit. */
export const habitOf = (state: SourceState, novelty: Novelty, { settings }: RuleContext) => {
  const own = settings.newSourceIp
  if (novelty === 'foreign') return { rate: newRate(state, ({ country }) => country, own), limit: own.newCountryRate }
  const keyOf = ({ network, provider }: Place) => (novelty === 'provider' ? network : provider)
  return { rate: newRate(state, keyOf, own), limit: own.newRate }
}
