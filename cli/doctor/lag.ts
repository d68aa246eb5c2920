import { lagLevel } from '#ingest/lag-watch.ts'
import { openClusterBus } from '#services/backends.ts'
import type { Bus, GroupLag } from '#services/bus/bus.ts'
import { hasCode } from '#services/errors.ts'
import type { Finding } from '#services/finding.ts'
import type { Logger } from '#services/log.ts'
import { type Context, fine, notChecked, wrong } from './check.ts'

const check = 'kafka lag'

/** `ageMs`: of the oldest record that the group has not committed. */
export type Behind = Pick<GroupLag, 'group' | 'topic'> & { records: number; ageMs: number }

/** By group and topic; the oldest decides, since the bus forgets by age. */
export const judgeLag = (behind: Behind[], retentionMs: number): Finding[] => {
  const groups = Map.groupBy(behind, ({ group, topic }) => `${group} on ${topic}`)
  return [...groups].map(([name, all]) => {
    const ageMs = Math.max(...all.map((one) => one.ageMs))
    const records = all.reduce((sum, one) => sum + one.records, 0)
    const text = `${name}: ${records} records behind, the oldest ${Math.round(ageMs / 1000)} s old`
    if (lagLevel(ageMs, retentionMs) === 'none') return fine(check, text)
    return wrong(
      check,
      text,
      'see whether ingest runs and what its log says; run more of it. Records older than bus.retentionMs are lost',
    )
  })
}

const ageOf = async (bus: Bus, { topic, partition, committed, end }: GroupLag, nowMs: number): Promise<number> => {
  if (committed >= end) return 0
  const [oldest] = await bus.read({ topic, partition }, committed, 1)
  return oldest ? Math.max(0, nowMs - oldest.timestampMs) : 0
}

const readBehind = async (bus: Bus, nowMs: number): Promise<Behind[]> => {
  const behind: Behind[] = []
  for (const lag of await bus.lag()) {
    const { group, topic, committed, end } = lag
    behind.push({ group, topic, records: Math.max(0, end - committed), ageMs: await ageOf(bus, lag, nowMs) })
  }
  return behind
}

/** How far consumers are behind. Only for a bus whose topics are all there. */
export const lagFindings = async ({ config, clock }: Context, log: Logger): Promise<Finding[]> => {
  const bus = await openClusterBus(config, clock, log)
  try {
    const findings = judgeLag(await readBehind(bus, clock.now()), config.bus.retentionMs)
    return findings.length > 0 ? findings : [notChecked(check, 'nobody has read from the bus yet')]
  } catch (error) {
    if (!hasCode(error, 'BTZ_FORBIDDEN')) throw error
    return [notChecked(check, 'these credentials may not read the bus: ask with those of ingest')]
  } finally {
    await bus.close()
  }
}
