import { z } from 'zod'
import { Sha256Hex } from './ids.ts'

/** What the detectors found: the wire form of `alerts`, and what API, sinks and `backtest` give out. */

export const Severity = z.enum(['info', 'low', 'medium', 'high', 'critical']) // info: a finding, notifies nobody
export type Severity = z.infer<typeof Severity>

export const AlertStatus = z.enum(['open', 'acknowledged', 'resolved', 'false_positive'])
export type AlertStatus = z.infer<typeof AlertStatus>

export const RuleId = z.enum([
  'off-hours-login',
  'new-source-ip',
  'auth-failures',
  'auth-success-after-failures',
  'bulk-transfer',
  'privilege-escalation',
  'recording-gap',
])
export type RuleId = z.infer<typeof RuleId>

const text = (max: number) => z.string().max(max)
const instant = z.iso.datetime()

/** What was compared with what. `historySize`: observations that the expectation rests on. */
export const Baseline = z.object({
  observed: text(512),
  expected: text(512),
  historySize: z.number().int().nonnegative(),
  historyDays: z.number().nonnegative(),
})
export type Baseline = z.infer<typeof Baseline>

/** What a person decided about an alert. */
export const Triage = z.object({
  status: AlertStatus,
  actor: text(256),
  at: instant,
  reason: text(2048).nullable(),
})
export type Triage = z.infer<typeof Triage>

export const Alert = z.object({
  id: Sha256Hex.or(z.string().regex(/^[0-9a-f]{32}$/)), // of rule, entity and window: the same incident, the same id
  revision: z.number().int().positive(), // grows with the evidence
  rule: RuleId,
  severity: Severity,
  status: AlertStatus,
  title: text(256),
  at: instant, // event time at which it was decided
  entity: z.object({ kind: z.enum(['user', 'network', 'bastion']), key: text(256) }), // whose history it was decided on
  user: text(256).nullable(),
  sourceIp: text(64).nullable(),
  bastion: text(253).nullable(),
  check: text(128).nullable(),
  sessionId: text(64).nullable(),
  sessionIds: z.array(text(64)).max(100),
  atMs: z.number().int().nonnegative().nullable(), // in the session: the moment to look at
  gap: text(64).nullable(), // a ledger state, or agent_silent, agent_stopped, clock_off, spool_filling, hook_dead
  count: z.number().int().nonnegative(),
  firstEventAt: instant,
  lastEventAt: instant,
  explanation: text(4096),
  baseline: Baseline.nullable(),
  withdrawn: z.boolean(), // later evidence, that came out of order, took the ground away
  triage: Triage.nullable(),
})
export type Alert = z.infer<typeof Alert>
