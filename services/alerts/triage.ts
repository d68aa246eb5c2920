import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import type { Bus } from '../bus/bus.ts'
import type { AlertReader } from '../catalog/catalog.ts'
import { mergedAlert } from '../catalog/merged-alert.ts'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import { type Alert, type AlertStatus, Triage } from '../schema/alert.ts'
import type { StateStore } from '../state/state-store.ts'

/**
 * What people decided about alerts. It stands in the state store first, where nobody can overwrite another's decision
 * unseen, and is then said on the topic of alerts, for catalog, evidence and destinations. What was decided and may not
 * have been said yet has a mark of its own, set before the decision and taken away after it was said.
 */

const decisionsPrefix = 'triage/'
const marksPrefix = 'triage-unsaid/'
const maxDecisions = 200
/** Whoever decides says it within this time, or does not come to it. */
const graceMs = 10_000

/** `revision`: of the alert that was decided on. */
export const Decision = Triage.extend({ revision: z.number().int().positive() })
export type Decision = z.infer<typeof Decision>
const Decisions = z.array(Decision).max(maxDecisions)
const Mark = z.object({ atMs: z.number() })

/** In order. `stateRevision`: 0 where nobody decided anything yet. */
export type Decided = { decisions: Decision[]; stateRevision: number }
export type NewDecision = { status: AlertStatus; actor: string; reason: string | null }

const triageOf = ({ status, actor, at, reason }: Decision): Triage => ({ status, actor, at, reason })

/** The alert with what was decided about it, also where the catalog does not know yet. */
export const withDecisions = (alert: Alert, { decisions }: Decided): Alert => {
  const last = decisions.at(-1)
  return last ? mergedAlert(alert, { ...alert, triage: triageOf(last) }) : alert
}

export type TriageOptions = {
  state: StateStore
  bus: Pick<Bus, 'produce'>
  catalog: Pick<AlertReader, 'alert'>
  clock: Clock
}

export const createTriage = ({ state, bus, catalog, clock }: TriageOptions) => {
  const decidedOf = async (id: string): Promise<Decided> => {
    const entry = await state.get(decisionsPrefix + id)
    return entry
      ? { decisions: Decisions.parse(entry.value), stateRevision: entry.revision }
      : { decisions: [], stateRevision: 0 }
  }
  const say = async (alert: Alert): Promise<void> => {
    await bus.produce([{ topic: 'alerts', key: alert.id, value: Buffer.from(JSON.stringify(alert)) }])
  }
  /** A mark that somebody set anew is theirs. */
  const unmark = (id: string, ifRevision: number): Promise<void> =>
    state.delete(marksPrefix + id, { ifRevision }).catch((error: unknown) => {
      if (!hasCode(error, 'BTZ_STATE_CONFLICT')) throw error
    })

  /** Later than the one before, whatever the clocks of this machine and of the last one's say: the latest one stands. */
  const timeAfter = (last: Decision | undefined): string =>
    new Date(Math.max(clock.now(), last ? Date.parse(last.at) + 1 : 0)).toISOString()

  const decide = async (alert: Alert, before: Decided, decision: NewDecision): Promise<Alert> => {
    if (before.decisions.length >= maxDecisions) {
      throw new BartizanError('BTZ_REQUEST_INVALID', `this alert was decided on ${maxDecisions} times already`)
    }
    const at = timeAfter(before.decisions.at(-1))
    const decisions = [...before.decisions, { ...decision, at, revision: alert.revision }]
    const mark = await state.put(marksPrefix + alert.id, { atMs: clock.now() })
    const stateRevision = await state.put(decisionsPrefix + alert.id, decisions, { ifRevision: before.stateRevision })
    const decided = withDecisions(alert, { decisions, stateRevision })
    await say(decided)
    await unmark(alert.id, mark)
    return decided
  }

  const sayAgain = async (id: string, markRevision: number): Promise<boolean> => {
    const decided = await decidedOf(id)
    const alert = await catalog.alert(id)
    if (decided.decisions.length > 0 && alert === null) return false // the catalog is being made anew: later
    if (alert && decided.decisions.length > 0) await say(withDecisions(alert, decided))
    await unmark(id, markRevision)
    return true
  }

  return {
    of: decidedOf,
    /**
     * Durable, and said, when resolved. `before`: what was decided when whoever decides looked.
     * @throws BTZ_STATE_CONFLICT somebody decided in between · BTZ_REQUEST_INVALID
     */
    decide,
    /** Says what was decided by a process that ended before it could. Returns how many alerts that were. */
    sweep: async (): Promise<number> => {
      let said = 0
      for await (const { key, value, revision } of listAll(state, marksPrefix)) {
        if (Math.abs(clock.now() - Mark.parse(value).atMs) < graceMs) continue
        if (await sayAgain(key.slice(marksPrefix.length), revision)) said++
      }
      return said
    },
  }
}
export type AlertTriage = ReturnType<typeof createTriage>
