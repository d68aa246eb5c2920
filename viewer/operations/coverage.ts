import { CoverageDay } from '#services/schema/coverage.ts'
import { listOf } from '#services/schema/session.ts'
import { CoverageParameters } from '../routes/coverage.ts'
import { StatementInfo } from '../routes/statements.ts'
import type { Operation } from './operation.ts'

/** What of each day was recorded. */
export const coverageOperations: Operation[] = [
  {
    method: 'get',
    path: '/api/coverage',
    summary:
      'By bastion and UTC day: sessions seen, complete, open, with each sort of gap; how long the agent was silent',
    query: CoverageParameters,
    answer: listOf(CoverageDay),
  },
  {
    method: 'get',
    path: '/api/coverage/statements',
    summary: "What was stated of bastions' days when they were over: signed notes, leaves of the transparency log",
    query: CoverageParameters,
    answer: listOf(StatementInfo),
  },
]
