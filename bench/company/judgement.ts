import type { Alert } from '#services/schema/alert.ts'
import { afterMs, concerns, sharesSession } from './matching.ts'
import type { Benign, Incident } from './model.ts'
import { dayMs } from './zone.ts'

/**
 * hit: of the rule of something planted, and about it. collateral: about something planted for another rule. tolerated:
 * right, given what the directory leaves out. learning: in the first month. false: none of these.
 */
export type Verdict = 'hit' | 'collateral' | 'tolerated' | 'learning' | 'false'
export type Judged = { alert: Alert; verdict: Verdict; benignClass: string }
export type Judgement = {
  hits: Map<Incident, Alert[]>
  judged: Judged[]
  findings: Alert[] // severity info: they notify nobody and are not judged
}

const isOfItsRule = (alert: Alert, { rule }: Benign) => rule === alert.rule || rule === null

const specificity = (alert: Alert, entry: Benign) =>
  (entry.rule === alert.rule ? 4 : entry.rule === null ? 2 : 0) + (sharesSession(alert, entry) ? 3 : 0)

/** The hard negative it fell for. Only those of its own rule (or of any) explain it; the rest is ordinary life. */
const classOf = (alert: Alert, benign: Benign[]): { name: string; tolerated: boolean } => {
  const [best] = benign
    .filter((entry) => (isOfItsRule(alert, entry) || sharesSession(alert, entry)) && concerns(alert, entry))
    .sort((a, b) => specificity(alert, b) - specificity(alert, a))
  if (!best) return { name: 'ordinary', tolerated: false }
  return {
    name: isOfItsRule(alert, best) ? best.class : `ordinary (${best.class})`,
    tolerated: best.tolerated && best.rule === alert.rule,
  }
}

const dayOfMs = (ms: number) => Math.floor(ms / dayMs)

/** There are tens of thousands of them: those of the days of an alert are looked at. */
const byDayOf = (benign: Benign[]) => {
  const byDay = new Map<number, Benign[]>()
  for (const entry of benign)
    for (let day = dayOfMs(entry.fromMs - afterMs); day <= dayOfMs(entry.toMs + afterMs); day++) {
      const entries = byDay.get(day)
      if (entries) entries.push(entry)
      else byDay.set(day, [entry])
    }
  return ({ firstEventAt, lastEventAt }: Alert) => {
    const days = [firstEventAt, lastEventAt].map((at) => byDay.get(dayOfMs(Date.parse(at))) ?? [])
    return [...new Set(days.flat())]
  }
}

export const judge = (
  alerts: Alert[],
  labels: { incidents: Incident[]; benign: Benign[]; learningEndMs: number },
): Judgement => {
  const { incidents, learningEndMs } = labels
  const hits = new Map<Incident, Alert[]>(incidents.map((incident) => [incident, []]))
  const benignNear = byDayOf(labels.benign)
  const verdictOn = (alert: Alert): Judged => {
    const about = incidents.filter((incident) => concerns(alert, incident))
    const own = about.filter(({ rule }) => rule === alert.rule)
    for (const incident of own) hits.get(incident)?.push(alert)
    if (about.length > 0) return { alert, verdict: own.length > 0 ? 'hit' : 'collateral', benignClass: '' }
    const { name, tolerated } = classOf(alert, benignNear(alert))
    const inLearning = Date.parse(alert.firstEventAt) < learningEndMs
    return { alert, verdict: tolerated ? 'tolerated' : inLearning ? 'learning' : 'false', benignClass: name }
  }
  const standing = alerts.filter(({ withdrawn }) => !withdrawn)
  return {
    hits,
    judged: standing.filter(({ severity }) => severity !== 'info').map(verdictOn),
    findings: standing.filter(({ severity }) => severity === 'info'),
  }
}
