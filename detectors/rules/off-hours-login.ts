import { withDay } from '../baselines/active-days.ts'
import { isLearning } from '../baselines/learning.ts'
import { type WallTime, wallTime } from '../directory/zone-time.ts'
import { networkOf } from '../geo/network-of.ts'
import { type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { daysSeen, hoursSeen, inZone, isFarFrom, withLogin, withWorkday } from './off-hours/hour-history.ts'
import { nightAfter, withWhereabouts } from './off-hours/night.ts'
import { isInPolicyHours, isMachine, isNearPolicyHours } from './off-hours/policy-hours.ts'
import { type From, type HoursState, isSame, noNights, withPlace } from './off-hours/state.ts'
import { type Reading, verdictOf } from './off-hours/verdict.ts'

const nightsKept = 120

/** A night goes from noon to noon; its fraction is the hour of it. */
const nightAt = ({ day, hour }: WallTime): number => day + (hour - 12) / 24

const fromOf = ({ event }: Observed, { geo }: RuleContext): From | null => {
  const network = event.sourceIp ? networkOf(event.sourceIp) : null
  return network === null ? null : { network, asn: geo(event.sourceIp!)?.asn ?? null }
}

const isKnownPlace = (state: HoursState, from: From, { event, origin, timeMs }: Observed, context: RuleContext) =>
  state.places.some((place) => !place.isDoubtful && isSame(place, from)) ||
  (origin !== null && origin.networkUsers >= context.settings.newSourceIp.peers) ||
  context.directory.knownNetwork(event.sourceIp!, timeMs) !== null

type Moment = { wall: WallTime; from: From | null; reading: Reading | null }

/** Before so many days there are no hours to be far from. */
const minDays = 4
const readingOf = (state: HoursState, wall: WallTime, observed: Observed, context: RuleContext): Reading | null => {
  const { timeMs } = observed
  const settings = context.settings.offHours
  if (isInPolicyHours(observed, context) || daysSeen(state.history, timeMs, settings) < minDays) return null
  const seen = hoursSeen(state.history, timeMs, settings)
  const isOfPerson = !isMachine(observed, context)
  const core = isOfPerson ? withWorkday(seen.core, settings) : seen.core
  const usual = seen.usual.map((isUsual, hour) => isUsual || core[hour]!)
  const isZoneKnown = isOfPerson && context.directory.hasZone(context.subject.key, timeMs)
  const isFar = isFarFrom({ usual, core }, wall.hour, isZoneKnown, settings) && !isNearPolicyHours(observed, context)
  return { usual, isFar }
}

const isAwayAt = ({ away }: HoursState, from: From | null, timeMs: number): boolean =>
  away !== null && from !== null && timeMs < away.untilMs && isSame(away, from)

/** What is learned of the hour, at home or away. */
const withHour = (state: HoursState, { timeMs }: Observed, { wall, from, reading }: Moment, context: RuleContext) => {
  const { settings, directory, subject } = context
  const isFree = !directory.isWorkingDay(subject.key, timeMs) && !directory.isHoliday(subject.key, timeMs)
  const login = { timeMs, isFree, settings: settings.offHours }
  if (isAwayAt(state, from, timeMs)) {
    const { away } = state
    const history = withLogin({ ...away!.history, zone: state.history.zone }, wall, login)
    return { ...state, away: { ...away!, history } }
  }
  const history = withLogin(state.history, wall, login)
  const isNight = reading?.isFar && (directory.hasZone(subject.key, timeMs) || !isLearning(context, timeMs))
  const nights = isNight ? withDay(state.nights, nightAt(wall), nightsKept) : state.nights
  return history === state.history && nights === state.nights ? state : { ...state, history, nights }
}

/** What is learned of it, whatever it is. */
const learned = (
  state: HoursState,
  observed: Observed,
  moment: Moment,
  isDoubtful: boolean,
  context: RuleContext,
): HoursState => {
  const next = withHour(state, observed, moment, context)
  return moment.from === null ? next : withPlace(next, moment.from, moment.wall.day, isDoubtful)
}

/** What is said of this login, and what it changes of what was said. */
const judged = (state: HoursState, observed: Observed, moment: Moment, context: RuleContext): Step<HoursState> => {
  const { wall, from, reading } = moment
  const isNewPlace = from !== null && !isKnownPlace(state, from, observed, context)
  const verdict =
    reading === null || isAwayAt(state, from, observed.timeMs)
      ? null
      : verdictOf(state, observed, { reading, isNewPlace, night: nightAt(wall) }, context)
  const where = (before: HoursState) =>
    from === null ? quiet(before) : withWhereabouts(before, from, observed, context)
  if (verdict === null) return where(state)
  const night = nightAfter(state, verdict, observed, { wall, from: isNewPlace ? from : null }, context)
  const step = where({ ...state, night })
  return step.findings.length > 0 ? step : { state: step.state, findings: night.findings.slice(-1) }
}

/** Who was away for long has moved. */
const inPlaceNow = (state: HoursState, timeMs: number): HoursState =>
  state.away === null || timeMs < state.away.untilMs ? state : { ...state, history: state.away.history, away: null }

const inZoneNow = (state: HoursState, zone: string | null, timeMs: number): HoursState =>
  state.history.zone === zone ? state : { ...state, history: inZone(state.history, zone, timeMs) }

/**
 * A login when neither the calendar nor the user's own past expects it. What the directory does not know of duty, journeys and
 * moves shows in the past and in the place: nights before, a new place that becomes the only one.
 */
export const offHoursLogin: Rule<HoursState> = {
  id: 'off-hours-login',
  entity: 'user',
  kinds: ['login'],
  initial: () => noNights,
  apply: (before, observed, context) => {
    const { directory, subject, isHistory } = context
    const { timeMs } = observed
    const zone = directory.hasZone(subject.key, timeMs) ? directory.zoneOf(subject.key, timeMs) : null
    const state = inZoneNow(inPlaceNow(before, timeMs), zone, timeMs)
    const wall = wallTime(zone ?? 'UTC', timeMs)
    const reading = readingOf(state, wall, observed, context)
    const moment: Moment = { wall, from: fromOf(observed, context), reading }
    const step = isHistory ? quiet(state) : judged(state, observed, moment, context)
    const isDoubtful = step.findings.some(({ severity }) => severity !== 'info')
    return { state: learned(step.state, observed, moment, isDoubtful, context), findings: step.findings }
  },
  isOver: ({ history }) => history.total === 0,
}
