import { z } from 'zod'
import { Role } from './access.ts'
import { CustodyAct } from './custody-act.ts'
import { SessionId } from './ids.ts'

export const CustodyPerson = z.object({ id: z.string().max(128), name: z.string().max(128), role: Role })
export type CustodyPerson = z.infer<typeof CustodyPerson>

const reason = z.string().min(1).max(1024)
const at = z.iso.datetime()

/** `act`: drafted when it was decided, so that it is the same after a crash. `appliedAt`: it stands, and the store agrees. */
const decided = { reason, at, act: CustodyAct, appliedAt: at.nullable() }

/** The end of a hold takes two people. */
export const HoldLift = z.object({ ...decided, approvalId: z.string(), requestedBy: CustodyPerson, by: CustodyPerson })
export const CustodyHold = z.object({
  ...decided,
  holdId: z.uuidv7(),
  by: CustodyPerson,
  lifted: HoldLift.nullable(),
})
export type CustodyHold = z.infer<typeof CustodyHold>

export const LongerRetention = z.object({ ...decided, until: at, by: CustodyPerson })
export type LongerRetention = z.infer<typeof LongerRetention>

/**
 * `act`: drafted when it is known what was sent where. `appliedAt`: nothing is left here but what time takes away, and the
 * act stands. `lastAct`: says that time has taken it.
 */
export const CustodyErasure = z.object({
  state: z.enum(['erasing', 'erased']),
  approvalId: z.string(),
  reason,
  requestedBy: CustodyPerson,
  by: CustodyPerson,
  at,
  act: CustodyAct.nullable(),
  appliedAt: at.nullable(),
  lastAct: CustodyAct.nullable(),
})
export type CustodyErasure = z.infer<typeof CustodyErasure>

export const maxHolds = 100 // of one session, lifted ones among them

/** What people decided about the evidence of a session. */
export const Custody = z.object({
  sessionId: SessionId,
  holds: z.array(CustodyHold).max(maxHolds),
  retention: LongerRetention.nullable(),
  erasure: CustodyErasure.nullable(),
})
export type Custody = z.infer<typeof Custody>
