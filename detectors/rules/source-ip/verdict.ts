import type { Severity } from '#services/schema/alert.ts'
import { isLearning } from '../../baselines/learning.ts'
import type { Observed, RuleContext } from '../../rule.ts'
import type { SourceState } from './address-history.ts'
import { explanationOf, habitOf, type Novelty, noveltyOf } from './novelty.ts'
import type { Place } from './place.ts'

/** What to think of a first login from an address. `severity` null: not worth a word. */
export type Verdict = { severity: Severity | null; novelty: Novelty; rate: number; why: string }

const ladder = ['low', 'medium', 'high'] as const

/** What makes a new place worse, in words. */
const aggravations = (observed: Observed, { directory, settings, subject }: RuleContext): string[] => {
  const { event, timeMs, origin } = observed
  const user = subject.key
  const failures = origin?.failures ?? 0
  const isOutside = directory.hasZone(user, timeMs) && !directory.isOfficeHours(user, timeMs)
  return [
    ...(failures >= settings.newSourceIp.failures ? [`${failures} attempts failed from there in the hour before`] : []),
    ...(isOutside && !directory.isOnDuty(user, timeMs) ? ['it is outside of office hours'] : []),
    ...(event.sourceIp && directory.knownNetwork(event.sourceIp, timeMs)?.kind === 'automation'
      ? ['the address belongs to automation of another account']
      : []),
  ]
}

const startOf = (novelty: Novelty, isService: boolean): number => {
  if (isService) return 2
  return novelty === 'foreign' ? 1 : 0
}

const calm = (novelty: Novelty, rate: number, why: string, severity: Severity | null = 'info'): Verdict => ({
  severity,
  novelty,
  rate,
  why,
})

export const verdictOf = (state: SourceState, place: Place, observed: Observed, context: RuleContext): Verdict => {
  const { timeMs, origin } = observed
  const user = context.subject.key
  const novelty = noveltyOf(state, place, user, timeMs, context)
  const { rate, limit } = habitOf(state, novelty, context)
  if (novelty === 'address') return calm(novelty, rate, 'its network is known', null)
  if (context.facts.loginCount === 0) return calm(novelty, rate, 'it is the first of all', null)
  const explained = explanationOf(place, observed, origin, context)
  if (explained) return calm(novelty, rate, explained)
  if (isLearning(context, timeMs))
    return calm(novelty, rate, 'too little was seen of this user yet to say what is usual')
  const isService = context.directory.person(user, timeMs)?.accountType === 'service'
  if (rate >= limit) return calm(novelty, rate, 'new places are a habit of this user', null)
  if (novelty === 'provider' && !isService) return calm(novelty, rate, 'it is of a provider that is known')
  const worse = aggravations(observed, context)
  const severity = ladder[Math.min(ladder.length - 1, startOf(novelty, isService) + worse.length)]!
  const of = isService ? 'a service account keeps its places' : ''
  return { severity, novelty, rate, why: [of, ...worse].filter(Boolean).join('; ') }
}
