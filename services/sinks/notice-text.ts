import type { DigestNotice, Notice, StormNotice } from './notice.ts'

/** Notices in words, for chat and mail. What stands in alerts was typed by others: it is shown, and does nothing. */

// C0 and C1 controls, and what turns the reading direction round (Unicode TR 36, 2.8).
const harmful = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]+/gu

/** One line, without anything that a terminal, mail header or chat would obey. */
export const plain = (text: string, max: number): string => {
  const line = text.replaceAll(harmful, ' ').trim()
  return line.length <= max ? line : `${line.slice(0, max - 1).toWellFormed()}…`
}

const isoMinute = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`

const headlines: Record<Notice['kind'], (notice: never) => string> = {
  alert: ({ alert, status }: Extract<Notice, { kind: 'alert' }>) =>
    `${status === 'open' ? '' : `${status.replace('_', ' ')}: `}[${alert.severity}] ${plain(alert.title, 200)}`,
  storm: ({ count, highest }: StormNotice) => `${count} more alerts, the highest is ${highest}`,
  digest: ({ untilMs }: DigestNotice) => `Digest until ${isoMinute(untilMs)}`,
}
export const headlineOf = (notice: Notice): string => headlines[notice.kind](notice as never)

const alertLines = ({ alert }: Extract<Notice, { kind: 'alert' }>): string[] => {
  const facts = [
    ['rule', alert.rule],
    ['user', alert.user],
    ['from', alert.sourceIp],
    ['bastion', alert.bastion],
    ['count', alert.count > 1 ? String(alert.count) : null],
    ['first', alert.firstEventAt],
    ['last', alert.lastEventAt],
  ] as const
  return [
    plain(alert.explanation, 1_500),
    facts
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}: ${plain(String(value), 256)}`)
      .join(' · '),
    ...(alert.baseline === null
      ? []
      : [`observed: ${plain(alert.baseline.observed, 300)} · expected: ${plain(alert.baseline.expected, 300)}`]),
  ]
}

const digestLines = (digest: DigestNotice): string[] => {
  const total = digest.rules.reduce((sum, { count }) => sum + count, 0)
  const behind = digest.sinks.filter(({ state, lagSeconds }) => state !== 'ok' || lagSeconds > 60)
  return [
    `${total === 1 ? '1 alert' : `${total} alerts`} since ${isoMinute(digest.sinceMs)}`,
    ...digest.rules.map(({ rule, severity, count }) => `${rule} (${severity}): ${count}`),
    ...digest.findings.map(
      ({ rule, count, attempts }) =>
        `${rule}: ${count === 1 ? '1 finding that needs' : `${count} findings that need`} nobody, ${attempts} events`,
    ),
    `held back: ${digest.suppressed} suppressed, ${digest.capped} over the limit, ${digest.past} from the past`,
    behind.length === 0
      ? 'every destination keeps up'
      : `behind: ${behind.map(({ name, state, lagSeconds }) => `${name} (${state}, ${lagSeconds} s)`).join(', ')}`,
  ]
}

export const linesOf = (notice: Notice): string[] => {
  if (notice.kind === 'alert') return alertLines(notice)
  if (notice.kind === 'digest') return digestLines(notice)
  return [`They came from ${isoMinute(notice.sinceMs)} to ${isoMinute(notice.untilMs)}; the console has all of them.`]
}
