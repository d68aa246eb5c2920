import { Approval } from '#services/schema/approval.ts'
import { listOf } from '#services/schema/session.ts'
import { ApprovalsQuery, AskAccess, DecideApproval } from '../routes/approvals.ts'
import type { Operation } from './operation.ts'

/** What takes a second person. */
export const approvalsOperations: Operation[] = [
  {
    method: 'post',
    path: '/api/sessions/{id}/access',
    summary: 'Ask a second person for leave to see what was recorded in a session',
    body: AskAccess,
    answer: Approval,
    status: 202,
  },
  {
    method: 'get',
    path: '/api/approvals',
    summary: 'What waits for, or got, the word of a second person, newest first; of others only what one may decide',
    query: ApprovalsQuery,
    answer: listOf(Approval),
  },
  { method: 'get', path: '/api/approvals/{id}', summary: 'One of them', answer: Approval },
  {
    method: 'post',
    path: '/api/approvals/{id}',
    summary: 'Decide it: never whoever asked, and nobody about a session of their own',
    body: DecideApproval,
    answer: Approval,
  },
]
