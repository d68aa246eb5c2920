import test from 'ava'
import { direct } from '#services/agents/enrolment-way.ts'
import { Config } from '#services/config.ts'
import type { AgentStatus } from '#services/schema/agent-status.ts'
import { agentsOf, concernsOf } from '#viewer/agents/roster.ts'

const limits = Config.parse({}).detectors.recordingGap
const nowMs = Date.parse('2026-03-04T05:06:07.000Z')
const statusOf = (fields: Partial<AgentStatus> = {}): AgentStatus => ({
  ...{ version: '0.1.0', nodeVersion: 'v24', protocol: 1, openSessions: 0, sessions: [] },
  ...{ spoolShare: 0.5, spoolOldestMs: 0, clockOffsetMs: -5_000, hooks: [], ...fields },
})
const hook = (listening: boolean, downForMs: number): AgentStatus['hooks'][number] => ({
  ...{ name: 'sudo', listening, lastEventAt: null, lastError: null },
  since: new Date(nowMs - downForMs).toISOString(),
})

test('an agent at its limits gives no concern, one beyond them gives each', (t) => {
  const at = (status: AgentStatus, agoMs = 0) => concernsOf({ atMs: nowMs - agoMs, status }, limits, nowMs)
  t.deepEqual(at(statusOf({ hooks: [hook(true, 90_000), hook(false, 29_999)] }), 120_000), [])
  t.deepEqual(at(statusOf(), 120_001), ['silent'])
  t.deepEqual(at(statusOf({ clockOffsetMs: -5_001 })), ['clock'])
  t.deepEqual(at(statusOf({ spoolShare: 0.51 })), ['spool'])
  t.deepEqual(at(statusOf({ hooks: [hook(true, 0), hook(false, 30_000)] })), ['hooks'])
  t.deepEqual(concernsOf({ atMs: nowMs }, limits, nowMs), [], 'an agent of before says nothing of itself')
})

test('who is enrolled and who was heard stand in one list, by name', (t) => {
  const certificates = [{ sha256: 'a', issuedAtMs: 1, expiresAtMs: 2, usedAtMs: null, revokedAtMs: null }]
  const enrolled = [
    { bastion: 'b2', certificates, way: { via: 'relay-1', relayNames: null } },
    { bastion: 'b3', certificates, way: direct },
  ]
  const heard = [
    { bastion: 'b3', atMs: nowMs, version: '0.1.0', status: statusOf() },
    { bastion: 'b1', atMs: nowMs, version: '0.0.9' },
  ]
  t.like(agentsOf(enrolled, heard, limits, nowMs), [
    { bastion: 'b1', certificates: [], way: null, heardAtMs: nowMs, version: '0.0.9', status: null },
    {
      bastion: 'b2',
      certificates,
      way: { via: 'relay-1' },
      heardAtMs: null,
      version: null,
      status: null,
      concerns: [],
    },
    { bastion: 'b3', certificates, heardAtMs: nowMs, version: '0.1.0', concerns: [] },
  ])
})
