import type { Clock } from '../clock.ts'
import { actPerson, type CustodyDesk, isHeld } from '../custody/custody.ts'
import { draftAct } from '../custody/write-act.ts'
import { BartizanError } from '../errors.ts'
import type { Approval } from '../schema/approval.ts'
import type { Custody, CustodyErasure } from '../schema/custody.ts'
import type { CustodyAct } from '../schema/custody-act.ts'
import type { Session } from '../schema/session.ts'

/** Erasure of a session's content, as it was decided: nothing here touches anything but the state of custody. */

export type Copies = Extract<CustodyAct, { kind: 'erasure' }>['copies']

const held = (sessionId: string) =>
  new BartizanError('BTZ_HELD', `a legal hold keeps session ${sessionId}`, {
    hint: 'the hold has to be lifted first, by two people',
  })
const notErasable = (why: string, hint: string) => new BartizanError('BTZ_NOT_ERASABLE', why, { hint })

/** @throws BTZ_HELD BTZ_NOT_ERASABLE */
export const refuseErasure = (session: Pick<Session, 'id' | 'evidence' | 'endedAt'>, custody: Custody | null): void => {
  const { id, evidence } = session
  if (evidence === 'erasing' || evidence === 'erased' || custody?.erasure)
    throw notErasable(`session ${id} is being erased already, or gone`, 'see its custody')
  if (isHeld(custody)) throw held(id)
  if (evidence !== 'sealed')
    throw notErasable(`the evidence of session ${id} is ${evidence}`, 'wait until it has ended and is sealed')
}

/** Whether anything of it is still to be done. */
export const isErasureDue = ({ erasure }: Custody, nowMs: number): boolean => {
  if (erasure === null || erasure.state === 'erased') return false
  return erasure.appliedAt === null || untilMs(erasure) <= nowMs
}

const untilMs = ({ act }: CustodyErasure): number => (act?.kind === 'erasure' ? Date.parse(act.until) : 0)

export const createErasure = ({ custody, clock }: { custody: CustodyDesk; clock: Clock }) => {
  const now = () => new Date(clock.now()).toISOString()

  const begun = ({ id: approvalId, reason, requestedBy, decidedBy, state }: Approval): CustodyErasure => {
    const isAgreed = (state === 'approved' || state === 'done') && decidedBy !== null
    if (!isAgreed || decidedBy.id === requestedBy.id)
      throw new BartizanError('BTZ_SECOND_PERSON', 'an erasure takes two people', { hint: 'have it approved first' })
    const people = { requestedBy, by: decidedBy }
    return { state: 'erasing', approvalId, reason, ...people, at: now(), act: null, appliedAt: null, lastAct: null }
  }
  const change = async (sessionId: string, to: (before: CustodyErasure) => CustodyErasure): Promise<CustodyErasure> => {
    const after = await custody.update(sessionId, (before) => {
      if (before.erasure === null) throw notErasable(`nobody decided to erase ${sessionId}`, 'ask for it first')
      return { ...before, erasure: to(before.erasure) }
    })
    return after.erasure!
  }
  const draft = (
    sessionId: Custody['sessionId'],
    { reason, requestedBy, by }: CustodyErasure,
    said: { state: 'erasing' | 'erased'; until: string; copies: Copies },
  ): CustodyAct => {
    const people = [actPerson('requested', requestedBy), actPerson('approved', by)]
    return draftAct({ kind: 'erasure', sessionId, reason, by: people, ...said }, clock)
  }

  return {
    /**
     * The moment from which on there is no way back. With a hold that came after the approval nothing is done. Again: nothing.
     * @throws BTZ_HELD BTZ_SECOND_PERSON
     */
    begin: async (approval: Approval): Promise<CustodyErasure> => {
      const first = begun(approval)
      const after = await custody.update(approval.subject, (before) => {
        if (before.erasure !== null) return null
        if (isHeld(before)) throw held(approval.subject)
        return { ...before, erasure: first }
      })
      return after.erasure!
    },
    /** What will be said of it, drawn once: the same after a crash. */
    drafted: (sessionId: Custody['sessionId'], until: Date, copies: Copies): Promise<CustodyErasure> =>
      change(sessionId, (before) => {
        const said = { state: 'erasing', until: until.toISOString(), copies } as const
        return before.act === null ? { ...before, act: draft(sessionId, before, said) } : before
      }),
    applied: (sessionId: string): Promise<CustodyErasure> =>
      change(sessionId, (before) => ({ ...before, appliedAt: before.appliedAt ?? now() })),
    /** Likewise, of the end. */
    draftedEnd: (sessionId: Custody['sessionId']): Promise<CustodyErasure> =>
      change(sessionId, (before) => {
        if (before.lastAct !== null || before.act?.kind !== 'erasure') return before
        const { until, copies } = before.act
        return { ...before, lastAct: draft(sessionId, before, { state: 'erased', until, copies }) }
      }),
    ended: (sessionId: string): Promise<CustodyErasure> =>
      change(sessionId, (before) => ({ ...before, state: 'erased' })),
  }
}
export type Erasure = ReturnType<typeof createErasure>
