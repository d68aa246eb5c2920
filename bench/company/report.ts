import { type Alert, RuleId } from '#services/schema/alert.ts'
import type { Judgement } from './judgement.ts'
import { concerns } from './matching.ts'
import type { Incident } from './model.ts'

const maxExplanation = 240
const maxClasses = 4 // of one rule, that examples are given of

const who = ({ user, sourceIp, bastion }: Pick<Incident, 'user' | 'sourceIp' | 'bastion'>) =>
  `${user ?? '-'} ${sourceIp ?? '-'} ${bastion ?? '-'}`
const explained = ({ explanation }: Alert) => explanation.slice(0, maxExplanation)

const missesOf = ({ hits, findings }: Judgement, rule: RuleId, examples: number): string[] => {
  const own = [...hits].filter(([incident]) => incident.rule === rule)
  const byVariant = Map.groupBy(own, ([{ variant }]) => variant)
  return [...byVariant].flatMap(([variant, all]) => {
    const missed = all.filter(([, alerts]) => alerts.length === 0).map(([incident]) => incident)
    if (missed.length === 0) return []
    const shown = missed.slice(0, examples).flatMap((incident) => {
      const finding = findings.find((alert) => alert.rule === rule && concerns(alert, incident))
      const at = new Date(incident.fromMs).toISOString()
      const line = `    ${at} ${who(incident)} session ${incident.sessionIds[0] ?? '-'}`
      return finding ? [line, `      info: ${explained(finding)}`] : [line]
    })
    return [`  ${rule}/${variant}: ${missed.length} of ${all.length}`, ...shown]
  })
}

const falseOf = ({ judged }: Judgement, rule: RuleId, examples: number): string[] => {
  const own = judged.filter(({ alert, verdict }) => alert.rule === rule && verdict === 'false')
  const classes = [...Map.groupBy(own, ({ benignClass }) => benignClass)].sort(([, a], [, b]) => b.length - a.length)
  return classes.flatMap(([name, all], index) => [
    `  ${rule}/${name}: ${all.length}`,
    ...all
      .slice(0, index < maxClasses ? examples : 0)
      .map(({ alert }) => `    ${alert.severity} ${alert.firstEventAt} ${who(alert)}: ${explained(alert)}`),
  ])
}

/** What was missed by variant, and what was said without a reason by the harmless thing that tempted; examples of each. */
export const reportOf = (judgement: Judgement, examples: number): string =>
  [
    'missed',
    ...RuleId.options.flatMap((rule) => missesOf(judgement, rule, examples)),
    'false alerts',
    ...RuleId.options.flatMap((rule) => falseOf(judgement, rule, examples)),
    '',
  ].join('\n')
