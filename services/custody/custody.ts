import { v7 as uuidv7 } from 'uuid'
import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import type { Approval } from '../schema/approval.ts'
import { Custody, type CustodyHold, type CustodyPerson, type LongerRetention, maxHolds } from '../schema/custody.ts'
import type { ActPerson } from '../schema/custody-act.ts'
import { SessionId } from '../schema/ids.ts'
import type { StateStore } from '../state/state-store.ts'
import { draftAct } from './write-act.ts'

const prefix = 'custody/'
const maxAttempts = 20

/** A hold counts until its end stands in the log and its flags are off. */
const counts = ({ lifted }: CustodyHold): boolean => lifted === null || lifted.appliedAt === null

/** A held session can be neither erased nor disposed of. */
export const isHeld = (custody: Pick<Custody, 'holds'> | null): boolean => custody?.holds.some(counts) ?? false

const personOf = ({ id, name, role }: CustodyPerson): CustodyPerson => ({ id, name, role })
export const actPerson = (did: ActPerson['did'], by: CustodyPerson): ActPerson => ({ did, ...personOf(by) })

const conflict = (message: string, hint: string) => new BartizanError('BTZ_STATE_CONFLICT', message, { hint })

const LiftDetails = z.object({ holdIds: z.array(z.uuidv7()).max(maxHolds) })

/** What a request to lift is about: the holds that stood when somebody asked. One that was set later stands. */
export const liftDetails = ({ holds }: Custody): z.infer<typeof LiftDetails> => ({
  holdIds: holds.filter(({ lifted }) => lifted === null).map(({ holdId }) => holdId),
})
export const holdIdsOf = ({ details }: Pick<Approval, 'details'>): string[] => LiftDetails.parse(details).holdIds

export type NewHold = { reason: string; by: CustodyPerson }
export type NewRetention = NewHold & { until: Date }

const isUnapplied = ({ appliedAt }: { appliedAt: string | null }): boolean => appliedAt === null

/** Whether anything of it is still to be carried out by the worker. */
export const isDue = ({ holds, retention }: Custody): boolean =>
  holds.some((hold) => isUnapplied(hold) || (hold.lifted !== null && isUnapplied(hold.lifted))) ||
  (retention !== null && isUnapplied(retention))

/**
 * What people decided about the evidence of sessions, in the state store. Nothing here touches evidence: the worker of
 * ingest/custody makes the store agree.
 */
export const createCustody = ({ state, clock }: { state: StateStore; clock: Clock }) => {
  const read = async (sessionId: string) => {
    const entry = await state.get(prefix + SessionId.parse(sessionId))
    return { custody: entry && Custody.parse(entry.value), revision: entry?.revision ?? 0 }
  }

  /**
   * `change` is pure and may run again. What it returns is stored; null: nothing is.
   * @throws BTZ_STATE_CONFLICT when others change it all the time, and what `change` throws
   */
  const update = async (sessionId: string, change: (before: Custody) => Custody | null): Promise<Custody> => {
    for (let attempt = 1; ; attempt++) {
      const { custody, revision } = await read(sessionId)
      const before = custody ?? { sessionId: SessionId.parse(sessionId), holds: [], retention: null, erasure: null }
      const after = change(before)
      if (after === null) return before
      try {
        await state.put(prefix + sessionId, Custody.parse(after), { ifRevision: revision })
        return after
      } catch (error) {
        if (!hasCode(error, 'BTZ_STATE_CONFLICT') || attempt === maxAttempts) throw error
      }
    }
  }

  const now = () => new Date(clock.now()).toISOString()

  const newHold = (sessionId: string, { reason, by }: NewHold): CustodyHold => {
    const holdId = uuidv7({ msecs: clock.now() })
    const people = [actPerson('requested', by)]
    const act = draftAct({ kind: 'hold', sessionId: SessionId.parse(sessionId), holdId, reason, by: people }, clock)
    return { holdId, reason, by: personOf(by), at: now(), act, appliedAt: null, lifted: null }
  }

  const liftOf = (hold: CustodyHold, approval: Approval): CustodyHold => {
    const { id: approvalId, subject: sessionId, reason, requestedBy, decidedBy } = approval
    if (decidedBy === null) throw conflict('nobody agreed to the end of this hold', 'have it approved first')
    const people = [actPerson('requested', requestedBy), actPerson('approved', decidedBy)]
    const act = draftAct({ kind: 'release', sessionId, holdId: hold.holdId, reason, by: people }, clock)
    const lifted = { approvalId, reason, requestedBy, by: decidedBy, at: now(), act, appliedAt: null }
    return { ...hold, lifted }
  }

  const longer = (sessionId: string, { until, reason, by }: NewRetention): LongerRetention => {
    const text = until.toISOString()
    const people = [actPerson('requested', by)]
    const act = draftAct(
      { kind: 'retention', sessionId: SessionId.parse(sessionId), until: text, reason, by: people },
      clock,
    )
    return { until: text, reason, by: personOf(by), at: now(), act, appliedAt: null }
  }

  return {
    update,
    get: async (sessionId: string): Promise<Custody | null> => (await read(sessionId)).custody,
    /** Of every session about which something was decided, in the order of ids. */
    all: async function* (): AsyncGenerator<Custody, void, void> {
      for await (const { value } of listAll(state, prefix)) yield Custody.parse(value)
    },
    /** Counts at once. @throws BTZ_TOO_MANY_REQUESTS BTZ_ERASED */
    hold: async (sessionId: string, options: NewHold): Promise<CustodyHold> => {
      const hold = newHold(sessionId, options)
      await update(sessionId, (before) => {
        if (before.erasure !== null)
          throw new BartizanError('BTZ_ERASED', 'its content is being erased, or gone: a hold would keep nothing')
        if (before.holds.length >= maxHolds)
          throw new BartizanError('BTZ_TOO_MANY_REQUESTS', `there were ${maxHolds} holds on this session already`)
        return { ...before, holds: [...before.holds, hold] }
      })
      return hold
    },
    /** The act with this id stands, and the store agrees. Again: nothing. */
    applied: (sessionId: string, actId: string): Promise<Custody> =>
      update(sessionId, (before) => {
        const at = now()
        const mark = <T extends { act: { id: string }; appliedAt: string | null } | null>(each: T): T =>
          each?.act.id === actId && each.appliedAt === null ? { ...each, appliedAt: at } : each
        const holds = before.holds.map((hold) => ({ ...mark(hold), lifted: mark(hold.lifted) }))
        return { ...before, holds, retention: mark(before.retention) }
      }),
    /** Ends the holds that the approval names, as far as they stand. Again: nothing. */
    lift: (approval: Approval): Promise<Custody> =>
      update(approval.subject, (before) => {
        const holdIds = holdIdsOf(approval)
        const ended = (hold: CustodyHold) => hold.lifted === null && holdIds.includes(hold.holdId)
        if (!before.holds.some(ended)) return null
        return { ...before, holds: before.holds.map((hold) => (ended(hold) ? liftOf(hold, approval) : hold)) }
      }),
    /** Never shortens: an earlier date than the one decided before is refused. @throws BTZ_STATE_CONFLICT */
    retain: async (sessionId: string, options: NewRetention): Promise<LongerRetention> => {
      const retention = longer(sessionId, options)
      await update(sessionId, (before) => {
        const { retention: present } = before
        if (present !== null && Date.parse(present.until) >= options.until.getTime())
          throw conflict(`it is kept until ${present.until} already`, 'a retention can only become longer')
        if (present !== null && isUnapplied(present))
          throw conflict('the decision before this one is still being carried out', 'ask again in a minute')
        return { ...before, retention }
      })
      return retention
    },
  }
}
export type CustodyDesk = ReturnType<typeof createCustody>
