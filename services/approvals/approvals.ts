import { v7 as uuidv7 } from 'uuid'
import { listAll } from '../access/list-all.ts'
import type { Clock } from '../clock.ts'
import { BartizanError, hasCode } from '../errors.ts'
import type { Principal } from '../schema/access.ts'
import { Approval, type ApprovalAction, type ApprovalState } from '../schema/approval.ts'
import type { StateStore } from '../state/state-store.ts'
import { type People, refuseDecision } from './may-decide.ts'

const prefix = 'approvals/'
const dayMs = 86_400_000
const mostOpen = 500
const mostOpenOfOne = 20
const mostKept = 2_000
const keptMs = 30 * dayMs // after its end; what was done about it is in the audit trail for good
const idForm = /^[0-9a-f-]{36}$/

export type NewApproval = Pick<Approval, 'action' | 'subject' | 'reason'> & {
  by: Principal
  details?: unknown // JSON
}
export type Decide = { decision: 'approved' | 'refused'; reason: string; by: Principal }
type Grantee = { action: ApprovalAction; principalId: string }
type Kept = { approval: Approval; revision: number }

const personOf = ({ id, name, role }: Principal) => ({ id, name, role })

/** What is approved and changes evidence stays due until it is done; to see content is allowed for a time. */
const canExpire = ({ state, action }: Approval): boolean =>
  state === 'open' || (state === 'approved' && action === 'access.view')

/** Pure. A clock that was set back makes it last longer, but never by more than another life. */
const atTime = (approval: Approval, nowMs: number, expiresMs: number): Approval => {
  const leftMs = Date.parse(approval.expiresAt) - nowMs
  const isOver = leftMs <= 0 || leftMs > 2 * expiresMs
  return canExpire(approval) && isOver ? { ...approval, state: 'expired' } : approval
}

const isDue = ({ state, action }: Approval): boolean => state === 'approved' && action !== 'access.view'
const endedMs = ({ decidedAt, expiresAt }: Approval): number => Date.parse(decidedAt ?? expiresAt)

/** Those that nobody needs any more: of long ago, and the oldest where there are too many. Pure. */
const superfluous = (all: readonly Approval[], nowMs: number): Approval[] => {
  const over = all.filter((one) => !['open', 'approved'].includes(one.state)).sort((a, b) => endedMs(a) - endedMs(b))
  const surplus = Math.max(0, all.length - mostKept)
  return over.filter((one, at) => at < surplus || endedMs(one) + keptMs < nowMs)
}

const tooMany = (message: string) =>
  new BartizanError('BTZ_TOO_MANY_REQUESTS', message, { hint: 'have them decided, or wait until some expire' })

/** Several process instances share the store: who comes second in a race is told that somebody decided before. */
const decidedBefore = (error: unknown): never => {
  if (!hasCode(error, 'BTZ_STATE_CONFLICT')) throw error
  throw new BartizanError('BTZ_STATE_CONFLICT', 'somebody decided it in between', { cause: error })
}

/**
 * What one person asks for and another one has to agree to. `expiresMs`: how long a request can be decided, and how long
 * content may be seen after that. `people`: who is who; absent in processes that only carry out what was decided.
 */
export const createApprovals = ({
  state,
  clock,
  expiresMs = dayMs,
  people,
}: {
  state: StateStore
  clock: Clock
  expiresMs?: number
  people?: People
}) => {
  const read = (value: unknown): Approval => atTime(Approval.parse(value), clock.now(), expiresMs)

  const find = async (id: string): Promise<Kept> => {
    const entry = idForm.test(id) ? await state.get(prefix + id) : null
    if (!entry) throw new BartizanError('BTZ_NOT_FOUND', 'there is no approval with this id')
    return { approval: read(entry.value), revision: entry.revision }
  }

  /** The latest first. */
  const list = async (only: { state?: ApprovalState; action?: ApprovalAction } = {}): Promise<Approval[]> => {
    const all: Approval[] = []
    for await (const { value } of listAll(state, prefix)) all.push(read(value))
    return all
      .filter((one) => only.state === undefined || one.state === only.state)
      .filter((one) => only.action === undefined || one.action === only.action)
      .reverse()
  }

  const grantedTo = async ({ action, principalId }: Grantee): Promise<Approval[]> =>
    (await list({ state: 'approved', action })).filter(({ requestedBy }) => requestedBy.id === principalId)

  const makeRoom = async (all: readonly Approval[], by: Principal): Promise<void> => {
    const old = superfluous(all, clock.now())
    for (const { id } of old) await state.delete(prefix + id)
    const open = all.filter((one) => one.state === 'open')
    const ofOne = open.filter((one) => one.requestedBy.id === by.id)
    if (ofOne.length >= mostOpenOfOne) throw tooMany(`${by.name} asked for ${mostOpenOfOne} things that are undecided`)
    if (open.length >= mostOpen || all.length - old.length >= 2 * mostKept)
      throw tooMany(`${open.length} requests are undecided`)
  }

  const store = async (approval: Approval, revision: number): Promise<Approval> => {
    const checked = Approval.parse(approval)
    await state.put(prefix + checked.id, checked, { ifRevision: revision }).catch(decidedBefore)
    return checked
  }

  /** What `decide` would do. @throws BTZ_NOT_FOUND BTZ_STATE_CONFLICT BTZ_SECOND_PERSON BTZ_OWN_SESSION */
  const decidable = async (id: string, by: Principal): Promise<Kept> => {
    const found = await find(id)
    const { state: stands } = found.approval
    if (stands !== 'open') throw new BartizanError('BTZ_STATE_CONFLICT', `that request is ${stands} already`)
    await refuseDecision(found.approval, by, people)
    return found
  }

  return {
    list,
    open: (action?: ApprovalAction): Promise<Approval[]> => list({ state: 'open', ...(action && { action }) }),
    /** @throws BTZ_NOT_FOUND */
    get: async (id: string): Promise<Approval> => (await find(id)).approval,
    /**
     * The same person asking for the same thing again gets the request that is open.
     * @throws BTZ_OWN_SESSION BTZ_TOO_MANY_REQUESTS
     */
    request: async ({ action, subject, reason, by, details = null }: NewApproval): Promise<Approval> => {
      await people?.refuseOwn(by, subject)
      const all = await list()
      const same = all.find(
        (one) =>
          one.state === 'open' && one.action === action && one.subject === subject && one.requestedBy.id === by.id,
      )
      if (same) return same
      await makeRoom(all, by)
      const nowMs = clock.now()
      return store(
        {
          ...{ id: uuidv7({ msecs: nowMs }), action, subject, reason, details, state: 'open' },
          ...{ requestedBy: personOf(by), requestedAt: new Date(nowMs).toISOString() },
          expiresAt: new Date(nowMs + expiresMs).toISOString(),
          ...{ decidedBy: null, decidedAt: null, decisionReason: null },
        },
        0,
      )
    },
    /** For what has to be said before it is done. @throws as `decide` */
    decidable: async (id: string, by: Principal): Promise<Approval> => (await decidable(id, by)).approval,
    /** @throws BTZ_NOT_FOUND BTZ_STATE_CONFLICT BTZ_SECOND_PERSON BTZ_OWN_SESSION */
    decide: async (id: string, { decision, reason, by }: Decide): Promise<Approval> => {
      const { approval, revision } = await decidable(id, by)
      const nowMs = clock.now()
      const expiresAt = new Date(nowMs + expiresMs).toISOString()
      return store(
        {
          ...{ ...approval, state: decision, decidedBy: personOf(by), decisionReason: reason },
          decidedAt: new Date(nowMs).toISOString(),
          ...(decision === 'approved' && { expiresAt }),
        },
        revision,
      )
    },
    /** Null: nobody agreed that this principal does this, or its time is over. */
    granted: async (to: Grantee & { subject: string }): Promise<Approval | null> =>
      (await grantedTo(to)).find(({ subject }) => subject === to.subject) ?? null,
    /** All of the sort that somebody agreed to and whose time is not over. */
    grantedTo,
    /** Approved, changes evidence, and not carried out yet; the oldest first. */
    due: async (): Promise<Approval[]> => (await list({ state: 'approved' })).filter(isDue).reverse(),
    /** What was approved has been carried out. Again: nothing. @throws BTZ_NOT_FOUND BTZ_STATE_CONFLICT */
    done: async (id: string): Promise<Approval> => {
      const { approval, revision } = await find(id)
      if (approval.state === 'done') return approval
      if (approval.state === 'approved') return store({ ...approval, state: 'done' }, revision)
      throw new BartizanError('BTZ_STATE_CONFLICT', `that request is ${approval.state}, and nothing to carry out`)
    },
  }
}
export type Approvals = ReturnType<typeof createApprovals>
