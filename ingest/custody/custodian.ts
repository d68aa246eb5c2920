import { Counter, Gauge } from 'prom-client'
import { holdIdsOf, isHeld } from '#services/custody/custody.ts'
import { startSchedule } from '#services/schedule.ts'
import type { Custody } from '#services/schema/custody.ts'
import { createAgree } from './agree.ts'
import type { CustodyOptions } from './context.ts'

const metricsOf = ({ registry }: Pick<CustodyOptions, 'registry'>) => {
  const registers = [registry]
  return {
    held: new Gauge({ name: 'bartizan_custody_held_sessions', help: 'sessions under a legal hold', registers }),
    failures: new Counter({
      name: 'bartizan_custody_failures_total',
      help: 'times that a decision about evidence could not be carried out, and was left for the next round',
      registers,
    }),
  }
}

const isLifted = (custody: Custody | null, holdIds: readonly string[]): boolean =>
  (custody?.holds ?? []).every(
    ({ holdId, lifted }) => !holdIds.includes(holdId) || (lifted?.appliedAt ?? null) !== null,
  )

/**
 * Finds what people decided about evidence, and makes the store agree. Everything may be done again: of a round that was cut
 * short the next one does the rest, and of two processes at once either may do it. `every`: a cron expression with seconds.
 */
export const createCustodian = ({ registry, erase, ...ctx }: CustodyOptions, every = '*/10 * * * * *') => {
  const { custody, approvals, log } = ctx
  const metrics = metricsOf({ registry })
  const agree = createAgree(ctx)
  let running: Promise<void> | null = null

  /** What fails for one session stops no other. */
  const attempt = async (sessionId: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act()
    } catch (err) {
      metrics.failures.inc()
      log.error({ err, sessionId }, 'a decision about evidence is not carried out yet, and is tried again')
    }
  }
  const round = async (): Promise<void> => {
    const lifts = (await approvals.due()).filter(({ action }) => action === 'hold.lift')
    for (const approval of lifts)
      await attempt(approval.subject, async () => {
        await custody.lift(approval)
      })
    let held = 0
    for await (const each of custody.all()) {
      if (isHeld(each)) held++
      await attempt(each.sessionId, () => agree(each))
    }
    metrics.held.set(held)
    await erase?.().catch(() => metrics.failures.inc()) // it says itself what failed
    for (const { id, subject, ...approval } of lifts)
      await attempt(subject, async () => {
        if (isLifted(await custody.get(subject), holdIdsOf(approval))) await approvals.done(id)
      })
  }
  /** One round after what is under way. */
  const runOnce = (): Promise<void> => {
    const mine = (running ?? Promise.resolve()).catch(() => {}).then(round)
    running = mine
    return mine
  }
  const schedule = startSchedule(every, log, runOnce)
  return {
    round: runOnce,
    /** Without waiting for the clock. */
    soon: (): void => {
      runOnce().catch((err: unknown) => log.warn({ err }, 'what was decided about evidence waits for the next round'))
    },
    close: async () => {
      await schedule.stop()
      await running?.catch(() => {})
    },
  }
}
export type Custodian = ReturnType<typeof createCustodian>
