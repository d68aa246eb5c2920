import test from 'ava'
import type { Alert, RuleId } from '#services/schema/alert.ts'
import { judge } from '../../bench/company/judgement.ts'
import type { Benign, Incident } from '../../bench/company/model.ts'
import { rowsOf } from '../../bench/company/scores.ts'

const atMs = Date.parse('2026-03-01T10:00:00Z')
const hourMs = 3_600_000
const who = { user: 'anna', sourceIp: null, bastion: 'b1', users: ['anna'], sourceIps: [], sessionIds: ['s1'] }
const planted: Incident = { rule: 'bulk-transfer', variant: 'rsync', ...who, fromMs: atMs, toMs: atMs + hourMs }
const alertOf = (rule: RuleId, fromMs: number, fields: Partial<Alert> = {}): Alert => ({
  id: 'a'.repeat(64),
  revision: 1,
  rule,
  severity: 'medium',
  status: 'open',
  title: rule,
  at: new Date(fromMs).toISOString(),
  entity: { kind: 'user', key: 'anna' },
  user: 'anna',
  sourceIp: null,
  bastion: 'b1',
  check: null,
  sessionId: null,
  sessionIds: [],
  atMs: null,
  gap: null,
  count: 1,
  firstEventAt: new Date(fromMs).toISOString(),
  lastEventAt: new Date(fromMs).toISOString(),
  explanation: 'why',
  baseline: null,
  withdrawn: false,
  triage: null,
  ...fields,
})
const judgementOf = (alerts: Alert[], benign: Benign[] = [], learningEndMs = 0) =>
  judge(alerts, { incidents: [planted], benign, learningEndMs })
const verdictsOf = (...args: Parameters<typeof judgementOf>) =>
  judgementOf(...args).judged.map(({ verdict }) => verdict)

test('an alert on what was planted is a hit, of another rule collateral, hours later false', (t) => {
  const alerts = [
    alertOf('bulk-transfer', atMs),
    alertOf('off-hours-login', atMs),
    alertOf('bulk-transfer', atMs + 3 * hourMs),
    alertOf('bulk-transfer', atMs, { user: 'ben', entity: { kind: 'user', key: 'ben' } }),
  ]
  t.deepEqual(verdictsOf(alerts), ['hit', 'collateral', 'false', 'false'])
})

test('an alert that names the session is about it, whenever it says it was', (t) => {
  t.deepEqual(verdictsOf([alertOf('bulk-transfer', atMs + 9 * hourMs, { sessionIds: ['s1'] })]), ['hit'])
})

test('what the directory left out is tolerated of its own rule only', (t) => {
  const lateMs = atMs + 5 * hourMs
  const span = { ...who, sessionIds: [], fromMs: lateMs, toMs: lateMs + hourMs }
  const benign: Benign[] = [{ rule: 'recording-gap', class: 'maintenance', tolerated: true, ...span }]
  const alerts = [alertOf('recording-gap', lateMs), alertOf('new-source-ip', lateMs)]
  t.deepEqual(verdictsOf(alerts, benign), ['tolerated', 'false'])
})

test('in the month of learning an alert is counted apart', (t) => {
  t.deepEqual(verdictsOf([alertOf('new-source-ip', atMs - 9 * hourMs)], [], atMs - 8 * hourMs), ['learning'])
})

test('a finding is no alert: it neither finds nor is false', (t) => {
  const judgement = judgementOf([
    alertOf('bulk-transfer', atMs, { severity: 'info' }),
    alertOf('new-source-ip', atMs + 9 * hourMs),
  ])
  const rows = rowsOf(judgement, { sessions: 500, humanSessions: 100 })
  const bulk = rows.find(({ rule }) => rule === 'bulk-transfer')!
  t.deepEqual([bulk.planted, bulk.found, bulk.recall, bulk.findings], [1, 0, 0, 1])
  const all = rows.find(({ rule }) => rule === 'all')!
  t.deepEqual([all.false, all['per 1,000 sessions'], all['per 1,000 of people']], [1, 2, 10])
})
