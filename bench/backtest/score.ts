import type { Alert, RuleId } from '#services/schema/alert.ts'
import type { Label } from './incidents.ts'

/** How alerts compare with what was planted. */
export type RuleScore = {
  planted: number
  found: number
  missed: string[]
  duplicates: number // further alerts of the same rule about the same incident
  collateral: number // of this rule, about an incident planted for another: not false, not counted as found
  false: number
  falseExamples: string[]
}

const slackMs = 3_600_000

const isAbout = (alert: Alert, label: Label): boolean => {
  const overlaps =
    Date.parse(alert.lastEventAt) >= label.fromMs - slackMs && Date.parse(alert.firstEventAt) <= label.toMs + slackMs
  if (!overlaps) return false
  if (label.user !== null && alert.user === label.user) return true
  if (label.sourceIp !== null && alert.sourceIp === label.sourceIp) return true
  return label.user === null && label.sourceIp === null && alert.bastion === label.bastion
}

const emptyScore = (): RuleScore => ({
  planted: 0,
  found: 0,
  missed: [],
  duplicates: 0,
  collateral: 0,
  false: 0,
  falseExamples: [],
})

const maxExamples = 15

/** Findings (severity info) are no alerts. `alerts`: last revisions. */
export const score = (alerts: readonly Alert[], labels: readonly Label[]): Map<RuleId, RuleScore> => {
  const scores = new Map<RuleId, RuleScore>()
  const of = (rule: RuleId): RuleScore => {
    const known = scores.get(rule) ?? emptyScore()
    scores.set(rule, known)
    return known
  }
  const found = new Map<Label, number>(labels.map((label) => [label, 0]))
  for (const alert of alerts) {
    if (alert.severity === 'info') continue
    const about = labels.filter((label) => isAbout(alert, label))
    const own = about.filter(({ rule }) => rule === alert.rule)
    for (const label of own) found.set(label, found.get(label)! + 1)
    const into = of(alert.rule)
    if (own.length === 0 && about.length > 0) into.collateral++
    if (about.length > 0) continue
    into.false++
    if (into.falseExamples.length < maxExamples)
      into.falseExamples.push(
        `${alert.at} ${alert.severity} ${alert.user ?? alert.sourceIp ?? alert.bastion}: ${alert.explanation}`,
      )
  }
  for (const [label, times] of found) {
    const into = of(label.rule)
    into.planted++
    if (times > 0) into.found++
    else
      into.missed.push(
        `${label.variant}: ${label.user ?? label.sourceIp ?? label.bastion} at ${new Date(label.fromMs).toISOString()}`,
      )
    into.duplicates += Math.max(0, times - 1)
  }
  return scores
}
