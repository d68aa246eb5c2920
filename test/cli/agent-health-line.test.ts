import test from 'ava'
import type { AgentStatus } from '#services/schema/agent-status.ts'
import { healthLine } from '../../cli/agent-health-line.ts'

const at = Date.UTC(2026, 0, 5, 9)
const hook = { since: new Date(at).toISOString(), lastEventAt: null, lastError: null }
const status: AgentStatus = {
  version: '1.2.3',
  nodeVersion: 'v24',
  protocol: 1,
  openSessions: 3,
  sessions: [],
  spoolShare: 0.314,
  spoolOldestMs: 4_240,
  clockOffsetMs: -1_500,
  hooks: [
    { ...hook, name: 'sudo', listening: true },
    { ...hook, name: 'openssh', listening: false },
  ],
}

test('how an agent was is said in one line; an agent of before says less, one never heard nothing', (t) => {
  t.is(
    healthLine({ heardAtMs: at, version: '1.2.3', status }, at + 12_000),
    'heard 12 s ago, version 1.2.3; 3 open sessions; spool 31 %, oldest 4.2 s; clock -1.5 s; hooks: sudo openssh DEAD',
  )
  t.is(healthLine({ heardAtMs: at, version: '1', status: null }, at), 'heard 0 s ago, version 1')
  t.is(healthLine({ heardAtMs: null, version: null, status: null }, at), 'not heard yet')
})

test('nothing that an agent says of itself steers the terminal of who reads it', (t) => {
  const named = { ...status, hooks: [{ ...hook, name: 'sudo\u001b[2J', listening: false }] }
  const line = healthLine({ heardAtMs: at, version: '1\u001b]0;owned\u0007\n2', status: named }, at)
  t.regex(line, /version 1\\u001b\]0;owned\\u0007\\u000a2; /)
  t.true(line.endsWith('hooks: sudo\\u001b[2J DEAD'))
})
