import { type Alert, RuleId } from '#services/schema/alert.ts'
import type { Instance } from './instance.ts'

const alertsLimitMs = 60_000
const pollMs = 200

const missing = (alerts: readonly Alert[]): RuleId[] =>
  RuleId.options.filter((rule) => !alerts.some((alert) => alert.rule === rule))

/** Those that wait for somebody, once there is one of each rule. */
export const untilAlerted = async (instance: Instance, signal: AbortSignal): Promise<Alert[]> => {
  const end = Date.now() + alertsLimitMs
  for (;;) {
    const alerts = (await instance.alerts()).filter(({ severity }) => severity !== 'info')
    if (missing(alerts).length === 0 || signal.aborted) return alerts
    if (Date.now() > end) throw new Error(`no alert of ${missing(alerts).join(', ')} was raised`)
    await new Promise((done) => setTimeout(done, pollMs))
  }
}

/** One line each, with its address. */
export const linesOf = (alerts: readonly Alert[], url: string): string =>
  [...alerts]
    .sort((a, b) => RuleId.options.indexOf(a.rule) - RuleId.options.indexOf(b.rule))
    .map(({ rule, title, id }) => `  ${rule.padEnd(28)}${title}\n${' '.repeat(30)}${url}/alerts/${id}`)
    .join('\n')
