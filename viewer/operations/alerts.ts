import { z } from 'zod'
import { Suppression } from '#services/alerts/suppressions.ts'
import { Decision } from '#services/alerts/triage.ts'
import { listOf } from '#services/schema/session.ts'
import { AlertInfo, AlertsQuery, Triage } from '../routes/alerts.ts'
import { RuleInfo } from '../routes/rules.ts'
import { EndSuppression, NewSuppression } from '../routes/suppressions.ts'
import type { Operation } from './operation.ts'

/** What the detectors found, and what people decided about it. */
export const alertsOperations: Operation[] = [
  {
    method: 'get',
    path: '/api/alerts',
    summary: 'What the detectors found, newest first; withdrawn and suppressed ones where asked for',
    query: AlertsQuery,
    answer: listOf(AlertInfo),
  },
  {
    method: 'get',
    path: '/api/alerts/{id}',
    summary: 'One alert; its ETag goes with what is decided about it',
    answer: AlertInfo,
  },
  {
    method: 'get',
    path: '/api/alerts/{id}/history',
    summary: 'What people decided about it, in order',
    answer: z.object({ items: z.array(Decision) }),
  },
  {
    method: 'patch',
    path: '/api/alerts/{id}',
    summary:
      'Decide about an alert: 428 without If-Match, 412 when somebody decided since, or it became graver or was withdrawn',
    headers: z.object({ 'if-match': z.string() }),
    body: Triage,
    answer: AlertInfo,
  },
  {
    method: 'get',
    path: '/api/rules',
    summary: 'What the detectors look for, and by which settings',
    answer: listOf(RuleInfo),
  },
  {
    method: 'get',
    path: '/api/suppressions',
    summary: 'What nobody wants to be woken by, newest first; those that ended stay for 30 days',
    answer: listOf(Suppression),
  },
  {
    method: 'post',
    path: '/api/suppressions',
    summary: 'Suppress alerts that have all that is named, for at most a year',
    body: NewSuppression,
    answer: Suppression,
    status: 201,
  },
  { method: 'delete', path: '/api/suppressions/{id}', summary: 'End a suppression', body: EndSuppression, status: 204 },
]
