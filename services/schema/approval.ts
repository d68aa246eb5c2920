import { z } from 'zod'
import { Role } from './access.ts'
import { SessionId } from './ids.ts'

/** What takes a second person. */
export const ApprovalAction = z.enum(['hold.lift', 'erasure', 'access.view'])
export type ApprovalAction = z.infer<typeof ApprovalAction>
/** `done`: what was approved has been carried out. */
export const ApprovalState = z.enum(['open', 'approved', 'refused', 'expired', 'done'])
export type ApprovalState = z.infer<typeof ApprovalState>

const Person = z.object({ id: z.string().max(128), name: z.string().max(128), role: Role })

/** Somebody asked for something that another person has to agree to. */
export const Approval = z.object({
  id: z.uuidv7(),
  action: ApprovalAction,
  subject: SessionId,
  reason: z.string().min(1).max(1024),
  requestedBy: Person,
  requestedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(), // open: then nobody can decide any more; approved to view: then it is over
  details: z.unknown(), // JSON, of whoever asked for the action: to carry it out, or to show it
  state: ApprovalState,
  decidedBy: Person.nullable(),
  decidedAt: z.iso.datetime().nullable(),
  decisionReason: z.string().min(1).max(1024).nullable(),
})
export type Approval = z.infer<typeof Approval>
