import { hash } from 'node:crypto'
import type { Bus } from '#services/bus/bus.ts'
import { makeReport, type ReportContext, reportLines } from '#services/custody/report.ts'
import type { Logger } from '#services/log.ts'
import { type Schedule, startSchedule } from '#services/schedule.ts'

const maxObject = 512
export type NightlyOptions = ReportContext & { bus: Pick<Bus, 'produce'>; bastion: string; every: string; log: Logger }

/** Of a date there is one report, whichever process said it first. */
export const sayReport = async ({ bus, bastion, ...ctx }: Omit<NightlyOptions, 'every' | 'log'>): Promise<void> => {
  const report = await makeReport(ctx)
  const event = {
    id: hash('sha256', `custody.report\n${report.at.slice(0, 10)}`),
    at: report.at,
    kind: 'access',
    source: 'custodian',
    bastion,
    outcome: 'success',
    actor: 'bartizan',
    action: 'custody.report',
    object: reportLines(report).join('; ').slice(0, maxObject),
  }
  await bus.produce([{ topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) }])
}

/** `every`: a cron expression with seconds, in UTC. */
export const reportNightly = ({ every, log, ...options }: NightlyOptions): Schedule =>
  startSchedule(every, log, () => sayReport(options))
