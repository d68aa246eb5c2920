import type { Severity } from '#services/schema/alert.ts'
import type { Finding, RuleContext } from '../../rule.ts'
import { bytes, plural } from '../wording.ts'
import type { Crossing, DayTotal } from './flow.ts'
import type { Direction } from './open-session.ts'
import type { Unusual } from './unusual.ts'

/** What is said of a day, or of seven. */
export type Told = {
  direction: Direction
  unusual: Unusual
  days: readonly DayTotal[]
  severity: Severity
  excuse: string | null
  sourceIp: string | null
  bastion: string
  crossing: Crossing | null
  historyDays: number
}

const shown = (measure: Unusual['measure'], value: number): string =>
  measure === 'bytes' ? bytes(value) : plural(value, 'file')

const wording: Record<Direction, { did: string; noun: string }> = {
  download: { did: 'fetched', noun: 'download' },
  upload: { did: 'brought', noun: 'upload' },
}
const spans: Record<Unusual['over'], string> = { day: 'in one day', session: 'in one session', week: 'in seven days' }

export const bulkFinding = (told: Told, { subject, settings }: RuleContext): Finding => {
  const { direction, unusual, days, severity, excuse, historyDays, crossing } = told
  const { measure, over, value, usual, most, samples } = unusual
  const files = days.reduce((sum, one) => sum + one.files, 0)
  const size = days.reduce((sum, one) => sum + one.bytes, 0)
  const { did, noun } = wording[direction]
  const observed = `${shown(measure, value)} ${did} ${spans[over]} (${bytes(size)} in ${plural(files, 'file')} altogether)`
  const floor = shown(
    measure,
    measure === 'bytes' ? settings.bulkTransfer.floorBytes : settings.bulkTransfer.floorFiles,
  )
  const expected =
    samples === 0
      ? `hardly anything: the user never had a ${noun} of note; from ${floor} on it matters`
      : `about ${shown(measure, Math.round(usual))}, at most ${shown(measure, Math.round(most))} so far; from ${floor} on it matters`
  return {
    window: over === 'week' ? `week ${direction} ${days[0]!.day}` : `${direction} ${days[0]!.day}`,
    severity,
    title: `${subject.key} ${did} ${shown(measure, value)} ${spans[over]}`,
    explanation: `${observed}. Expected: ${expected}.${excuse ? ` No alert: ${excuse}.` : ''}`,
    baseline: { observed, expected, historySize: samples, historyDays },
    sourceIp: told.sourceIp,
    bastion: told.bastion,
    sessionIds: [...new Set([...(crossing ? [crossing.sessionId] : []), ...days.flatMap(({ sessions }) => sessions)])],
    atMs: crossing?.atMs ?? null,
    count: Math.max(1, files),
    firstEventMs: Math.min(...days.map(({ firstMs }) => firstMs)),
    lastEventMs: Math.max(...days.map(({ lastMs }) => lastMs)),
  }
}
