import { RuleId } from '#services/schema/alert.ts'
import type { Labelled } from './generation.ts'
import type { Judgement, Verdict } from './judgement.ts'

export type Row = {
  rule: RuleId | 'all'
  planted: number
  found: number
  recall: number | null
  false: number
  'per 1,000 sessions': number
  'per 1,000 of people': number
  duplicates: number // further alerts of the rule about the same incident
  collateral: number
  'in learning': number
  tolerated: number
  findings: number
}

const rounded = (value: number) => Number(value.toFixed(2))

const rowOf = (
  rule: Row['rule'],
  { hits, judged, findings }: Judgement,
  { sessions, humanSessions }: Pick<Labelled, 'sessions' | 'humanSessions'>,
): Row => {
  const isOwn = (of: { rule: RuleId }) => rule === 'all' || of.rule === rule
  const times = [...hits].filter(([incident]) => isOwn(incident)).map(([, alerts]) => alerts.length)
  const found = times.filter((count) => count > 0).length
  const own = judged.filter(({ alert }) => isOwn(alert))
  const count = (verdict: Verdict) => own.filter((one) => one.verdict === verdict).length
  return {
    rule,
    planted: times.length,
    found,
    recall: times.length > 0 ? rounded(found / times.length) : null,
    false: count('false'),
    'per 1,000 sessions': rounded((1000 * count('false')) / sessions),
    'per 1,000 of people': rounded((1000 * count('false')) / humanSessions),
    duplicates: times.reduce((sum, alerts) => sum + Math.max(0, alerts - 1), 0),
    collateral: count('collateral'),
    'in learning': count('learning'),
    tolerated: count('tolerated'),
    findings: findings.filter(isOwn).length,
  }
}

/** One row per rule, and one of all. */
export const rowsOf = (judgement: Judgement, labelled: Pick<Labelled, 'sessions' | 'humanSessions'>): Row[] =>
  [...RuleId.options, 'all' as const].map((rule) => rowOf(rule, judgement, labelled))
