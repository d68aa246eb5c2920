import { accessOperations } from './operations/access.ts'
import { agentsOperations } from './operations/agents.ts'
import { alertsOperations } from './operations/alerts.ts'
import { approvalsOperations } from './operations/approvals.ts'
import { coverageOperations } from './operations/coverage.ts'
import { custodyOperations } from './operations/custody.ts'
import { ingestOperations } from './operations/ingest.ts'
import { logOperations } from './operations/log.ts'
import type { Operation } from './operations/operation.ts'
import { searchOperations } from './operations/search.ts'
import { seenOperations } from './operations/seen.ts'
import { sessionsOperations } from './operations/sessions.ts'
import { sharesOperations } from './operations/shares.ts'

/** The routes, each with the schemas that check it. */
export const operations: Operation[] = [
  ...accessOperations,
  ...sessionsOperations,
  ...sharesOperations,
  ...approvalsOperations,
  ...custodyOperations,
  ...seenOperations,
  ...searchOperations,
  ...alertsOperations,
  ...agentsOperations,
  ...coverageOperations,
  ...logOperations,
  ...ingestOperations,
]
