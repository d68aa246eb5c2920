import { Approval } from '#services/schema/approval.ts'
import { AskCustody, CustodyInfo, NewRetention } from '../routes/custody.ts'
import type { Operation } from './operation.ts'

/** What people decide about evidence. */
export const custodyOperations: Operation[] = [
  {
    method: 'get',
    path: '/api/sessions/{id}/custody',
    summary: 'What people decided about the evidence of a session: holds, longer retention, erasure',
    answer: CustodyInfo,
  },
  {
    method: 'post',
    path: '/api/sessions/{id}/hold',
    summary: 'Hold it: neither erased nor disposed of before a second person agreed to let go',
    body: AskCustody,
    answer: CustodyInfo.shape.holds.element,
    status: 201,
  },
  {
    method: 'post',
    path: '/api/sessions/{id}/hold/lift',
    summary: 'Ask a second person to agree that the holds of now end',
    body: AskCustody,
    answer: Approval,
    status: 202,
  },
  {
    method: 'post',
    path: '/api/sessions/{id}/retention',
    summary: 'Keep all of its evidence longer; never shorter',
    body: NewRetention,
    answer: CustodyInfo.shape.retention.unwrap(),
    status: 202,
  },
  {
    method: 'post',
    path: '/api/sessions/{id}/erasure',
    summary: 'Ask a second person to agree that what was recorded is erased, by destroying its key',
    body: AskCustody,
    answer: Approval,
    status: 202,
  },
]
