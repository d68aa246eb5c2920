import { networkOf } from '../geo/network-of.ts'
import { quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { type Acquaintance, acquainted, knows } from './auth/acquaintances.ts'
import { aimOf, isKeyOffer, type Login, nameOf } from './auth/attempt.ts'
import { type GuessRun, isByTimer, runAt, withGuess, withoutRun } from './auth/guess-run.ts'
import { type Entry, entryOf, type Success, successFinding } from './auth/success-finding.ts'
import { span } from './wording.ts'

/** A run of failures of one user, and then the user got in from there: from the address, its network, or one of many. */
export type UserGuesses = {
  runs: readonly GuessRun[] // by network
  known: readonly Acquaintance[] // networks
  last: { entry: Entry; place: string; run: GuessRun | null } | null
}

const siegeMs = 6 * 3_600_000
const siegePlaces = 3
const siegeFactor = 2
const forgottenFactor = 2

const placeOf = ({ sourceIp }: Login): string => (sourceIp ? (networkOf(sourceIp) ?? sourceIp) : 'no address')

/** `isSecondFactor`: whoever guessed the password would not have had it. */
const fromOnePlace = (
  run: GuessRun,
  { isUsual, isSecondFactor }: { isUsual: boolean; isSecondFactor: boolean },
  { settings }: RuleContext,
): Success | null => {
  const { failures, withinMs } = settings.authSuccess
  const expected = `fewer than ${failures} before a success, with pauses of up to ${span(withinMs)}`
  if (run.count < failures) return null
  const isForgotten = isUsual && isSecondFactor && run.count < forgottenFactor * failures
  const calm = isUsual && isByTimer(run) ? 'program' : isForgotten ? 'forgotten' : null
  return { count: run.count, firstMs: run.firstMs, why: `from ${run.place}`, expected, calm }
}

const fromManyPlaces = (
  state: UserGuesses,
  place: string,
  timeMs: number,
  { settings }: RuleContext,
): Success | null => {
  const { runs, known } = state
  const strange = runs.filter((run) => run.lastMs > timeMs - siegeMs && !knows(known, run.place, timeMs))
  const count = strange.reduce((sum, run) => sum + run.earlier + run.count, 0)
  const limit = settings.authSuccess.failures * siegeFactor
  if (strange.length < siegePlaces || count < limit || !strange.some((run) => run.place === place)) return null
  return {
    count,
    firstMs: Math.min(...strange.map(({ firstMs }) => firstMs)),
    why: `from ${strange.length} networks`,
    expected: `fewer than ${limit} from networks that the user never logged in from`,
    calm: null,
  }
}

const entered = (
  state: UserGuesses,
  event: Extract<Login, { kind: 'login' }>,
  timeMs: number,
  context: RuleContext,
): Step<UserGuesses> => {
  const place = placeOf(event)
  const isUsual = knows(state.known, place, timeMs)
  const known = acquainted(state.known, place, timeMs)
  const isAnotherFactor = isUsual && event.method === 'publickey' // whoever guessed passwords guessed no key
  if (context.isHistory || isAnotherFactor) return quiet(known === state.known ? state : { ...state, known })
  const run = runAt(state.runs, place, timeMs, context.settings.authSuccess.withinMs)
  const isSecondFactor = event.mfa === true
  const success =
    (run && fromOnePlace(run, { isUsual, isSecondFactor }, context)) ?? fromManyPlaces(state, place, timeMs, context)
  const entry = entryOf(event, context.subject.key, timeMs)
  return {
    state: { known, runs: withoutRun(state.runs, place), last: { entry, place, run } },
    findings: success ? [successFinding(entry, success, context)] : [],
  }
}

const failed = (state: UserGuesses, event: Login, timeMs: number, context: RuleContext): Step<UserGuesses> => {
  const { withinMs } = context.settings.authSuccess
  const place = placeOf(event)
  const { last } = state
  // A log may know whole seconds only: what failed in that of the success came before it.
  if (last === null || last.place !== place || last.entry.timeMs !== timeMs)
    return quiet({ ...state, runs: withGuess(state.runs, place, '', timeMs, withinMs) })
  const run = withGuess(last.run ? [last.run] : [], place, '', timeMs, withinMs)[0]!
  const success = fromOnePlace(run, { isUsual: true, isSecondFactor: last.entry.isSecondFactor === true }, context)
  return {
    state: { ...state, last: { ...last, run } },
    findings: success ? [successFinding(last.entry, success, context)] : [],
  }
}

export const authSuccessUser: Rule<UserGuesses> = {
  id: 'auth-success-after-failures',
  entity: 'user',
  kinds: ['login', 'login_failed'],
  initial: () => ({ runs: [], known: [], last: null }),
  apply: (state, { event, timeMs }, context) => {
    if (event.kind === 'login') return entered(state, event, timeMs, context)
    if (event.kind !== 'login_failed' || context.isHistory || isKeyOffer(event)) return quiet(state)
    const isHarmless = aimOf(event, nameOf(event, context.directory), timeMs, context.directory) === 'harmless'
    return isHarmless ? quiet(state) : failed(state, event, timeMs, context)
  },
}
