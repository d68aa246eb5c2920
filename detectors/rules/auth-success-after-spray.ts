import { type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { type Acquaintance, acquainted, areForgotten, isShared, knows } from './auth/acquaintances.ts'
import { aimOf, isKeyOffer, type Login, nameOf } from './auth/attempt.ts'
import { type GuessRun, keepMs, maxNames, runAt, withGuess } from './auth/guess-run.ts'
import { entryOf, type Success, successFinding } from './auth/success-finding.ts'
import { span } from './wording.ts'

/** An address tried many names and got in with one. Who was guessed often enough alone is told by the user's own rule. */
export type Sprays = {
  runs: readonly GuessRun[] // by address
  known: readonly Acquaintance[] // users
}

const sprayMs = 60 * 60_000 // longest pause within a spray

const sprayOf = (run: GuessRun, user: string, { settings }: RuleContext): Success | null => {
  const { sprayAccounts, failures } = settings.authSuccess
  const own = run.names.find(({ name }) => name === user)?.count ?? 0
  if (run.names.length < sprayAccounts || own >= failures) return null
  return {
    count: run.count,
    firstMs: run.firstMs,
    why: `at ${run.names.length}${run.names.length < maxNames ? '' : ' or more'} accounts`,
    expected: `fewer than ${sprayAccounts} names that fail from one address before somebody gets in, with pauses of up to ${span(sprayMs)}`,
    calm: null,
  }
}

const entered = (
  state: Sprays,
  event: Extract<Login, { kind: 'login' }>,
  user: string,
  { timeMs }: Observed,
  context: RuleContext,
): Step<Sprays> => {
  const ip = event.sourceIp!
  const known = acquainted(state.known, user, timeMs)
  const after = known === state.known ? state : { ...state, known }
  const isOurs =
    knows(state.known, user, timeMs) ||
    isShared(state.known, timeMs) ||
    context.directory.knownNetwork(ip, timeMs) !== null
  if (isOurs || context.isHistory) return quiet(after)
  const run = runAt(state.runs, ip, timeMs, sprayMs)
  const success = run && sprayOf(run, user, context)
  return { state: after, findings: success ? [successFinding(entryOf(event, user, timeMs), success, context)] : [] }
}

export const authSuccessSpray: Rule<Sprays> = {
  id: 'auth-success-after-failures',
  entity: 'network',
  kinds: ['login', 'login_failed'],
  initial: () => ({ runs: [], known: [] }),
  apply: (state, observed, context) => {
    const { event, timeMs } = observed
    if ((event.kind !== 'login' && event.kind !== 'login_failed') || !event.sourceIp) return quiet(state)
    const name = nameOf(event, context.directory)
    if (event.kind === 'login') return entered(state, event, name, observed, context)
    if (context.isHistory || isKeyOffer(event) || aimOf(event, name, timeMs, context.directory) === 'harmless')
      return quiet(state)
    return quiet({ ...state, runs: withGuess(state.runs, event.sourceIp, name, timeMs, sprayMs) })
  },
  isOver: ({ runs, known }, nowMs) => runs.every(({ lastMs }) => lastMs < nowMs - keepMs) && areForgotten(known, nowMs),
}
