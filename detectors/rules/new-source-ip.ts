import type { Geo } from '../geo/geo.ts'
import { type Finding, type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { dayMs } from '../utc-day.ts'
import {
  type KnownAddress,
  newRate,
  noSources,
  type SourceState,
  seenAgain,
  seenFirst,
  withLoginDay,
} from './source-ip/address-history.ts'
import { followUp, isOpen, type OpenIncident } from './source-ip/incident.ts'
import { isSameProvider, type Place, placeOf } from './source-ip/place.ts'
import { type Verdict, verdictOf } from './source-ip/verdict.ts'
import { plural } from './wording.ts'

const maxOpen = 8

const wordOf: Record<Verdict['novelty'], string> = {
  address: 'address',
  provider: 'network',
  country: 'provider',
  foreign: 'country',
  unknown: 'network',
}

const where = (ip: string, geo: Geo | null): string => {
  const parts = [geo?.city, geo?.country, geo?.organisation ?? (geo?.asn ? `AS${geo.asn}` : null)].filter(Boolean)
  return parts.length > 0 ? `${ip} (${parts.join(', ')})`.slice(0, 200) : ip
}

const historyOf = (state: SourceState) => {
  const own = state.addresses.filter(({ isShared }) => !isShared)
  return { addresses: own.length, networks: new Set(own.map(({ network }) => network)).size, days: state.days.length }
}

const findingOf = (
  state: SourceState,
  place: Place,
  verdict: Verdict,
  observed: Observed,
  context: RuleContext,
): Finding => {
  const { event, timeMs } = observed
  const user = context.subject.key
  const what = wordOf[verdict.novelty]
  const from = where(place.ip, context.geo(place.ip))
  const { addresses, networks, days } = historyOf(state)
  const known = addresses === 1 ? '1 known address' : `${addresses} known addresses`
  const expected = addresses === 0 ? 'places of the organisation alone' : `${known} in ${plural(networks, 'network')}`
  return {
    window: `${place.ip} ${new Date(timeMs).toISOString().slice(0, 10)}`,
    severity: verdict.severity ?? 'info',
    title: `${user} logged in from a new ${what}: ${from}`,
    explanation:
      `${user} logged in to ${event.bastion} from ${from}, a ${what} that is new for this user. ` +
      `On ${plural(days, 'day')} with logins before, it was ${expected}; ` +
      `something as new as this comes up on ${(100 * verdict.rate).toFixed(1)} % of the days.` +
      (verdict.why ? ` To be weighed: ${verdict.why}.` : ''),
    baseline: {
      observed: `a login from ${from}`,
      expected,
      historySize: context.facts.loginCount,
      historyDays: Math.max(0, Math.round((timeMs - (context.facts.firstAtMs || timeMs)) / dayMs)),
    },
    user,
    sourceIp: place.ip,
    bastion: event.bastion,
    sessionIds: event.sessionId ? [event.sessionId] : [],
    count: 1,
    firstEventMs: timeMs,
    lastEventMs: timeMs,
  }
}

/** The address of the same provider that was in use until now. */
const followedBy = ({ addresses }: SourceState, place: Place, timeMs: number): string | null => {
  const inUse = addresses.filter(
    (known) => !known.isShared && known.days >= 3 && known.lastMs > timeMs - 7 * dayMs && isSameProvider(known, place),
  )
  if (inUse.length === 0) return null
  return inUse.reduce((a, b) => (b.lastMs > a.lastMs ? b : a)).ip
}

const isShared = ({ origin }: Observed, { settings }: RuleContext): boolean =>
  origin !== null && Math.max(origin.otherUsers, origin.networkUsers) >= settings.newSourceIp.peers

/** A place of the organisation: of its people, or of the account itself. Programs do not sit in offices. */
const isOfPlace = (user: string, ip: string, timeMs: number, { directory }: RuleContext): boolean => {
  const known = directory.knownNetwork(ip, timeMs)
  if (known === null) return false
  if (known.kind !== 'automation' && directory.person(user, timeMs)?.accountType === 'service') return false
  return known.kind !== 'automation' || known.account === null || directory.canonical(known.account) === user
}

/** What this login, from an address that is known by now, changes of what was said. */
const withFollowUps = (
  state: SourceState,
  address: KnownAddress,
  observed: Observed,
  context: RuleContext,
): Step<SourceState> => {
  if (state.open.length === 0) return quiet(state)
  const findings: Finding[] = []
  const open: OpenIncident[] = []
  for (const incident of state.open) {
    if (!isOpen(incident, observed.timeMs)) continue
    const next = followUp(incident, address, observed, context.settings.newSourceIp)
    if (next.finding !== incident.finding) findings.push(next.finding)
    if (!next.isDecided) open.push(next)
  }
  return { state: { ...state, open }, findings }
}

const firstTime = (state: SourceState, place: Place, observed: Observed, context: RuleContext): Step<SourceState> => {
  const { timeMs } = observed
  const settings = context.settings.newSourceIp
  const verdict = verdictOf(state, place, observed, context)
  const isAlerted = verdict.severity !== null && verdict.severity !== 'info'
  const address: KnownAddress = {
    ...place,
    firstMs: timeMs,
    lastMs: timeMs,
    days: 1,
    isShared: isShared(observed, context),
    isAlerted,
  }
  if (context.isHistory) return quiet(seenFirst(state, address, settings))
  const followed = withFollowUps(state, address, observed, context)
  const next = seenFirst(followed.state, address, settings)
  if (verdict.severity === null) return { state: next, findings: followed.findings }
  const finding = findingOf(state, place, verdict, observed, context)
  const isSteady = newRate(state, ({ ip }) => ip, settings) < settings.newRate
  const replaces = verdict.novelty === 'provider' && !isAlerted && isSteady ? followedBy(state, place, timeMs) : null
  const incident: OpenIncident = { place, finding, replaces, elsewhere: 0, isDecided: false }
  const open = isAlerted || replaces !== null ? [...next.open, incident].slice(-maxOpen) : next.open
  return { state: { ...next, open }, findings: [...followed.findings, finding] }
}

/**
 * A login from where its user never came from: address, network, provider, country, each step up is worse. Places of the
 * organisation, of several people, of a journey, and of people who come from ever new places are told, not alerted.
 */
export const newSourceIp: Rule<SourceState> = {
  id: 'new-source-ip',
  entity: 'user',
  kinds: ['login'],
  initial: () => noSources,
  apply: (state, observed, context) => {
    const { event, timeMs } = observed
    const ip = event.sourceIp
    if (!ip) return quiet(state)
    if (isOfPlace(context.subject.key, ip, timeMs, context)) {
      return quiet(withLoginDay(state, timeMs, context.settings.newSourceIp))
    }
    const known = state.addresses.find((one) => one.ip === ip)
    if (known) {
      const seen = { timeMs, isShared: isShared(observed, context) }
      const next = seenAgain(state, known, seen, context.settings.newSourceIp)
      return context.isHistory ? quiet(next) : withFollowUps(next, known, observed, context)
    }
    const place = placeOf(ip, context.geo, context.settings.newSourceIp)
    return place === null ? quiet(state) : firstTime(state, place, observed, context)
  },
  isOver: ({ addresses }) => addresses.length === 0,
}
