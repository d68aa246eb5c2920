import test from 'ava'
import { SessionEvent } from '#services/schema/session-event.ts'
import { Heartbeat } from '#services/schema/uplink.ts'

const event = {
  id: 'e',
  at: '2026-01-05T09:00:00.000Z',
  source: 'agent',
  bastion: 'b1',
  kind: 'recorder_health',
  status: 'ok',
  agent: 'k',
  spoolBytes: 1,
  lagMs: 0,
  detail: null,
}
const hook = { name: 'sudo', listening: true, since: event.at, lastEventAt: null, lastError: null }

test('events and heartbeats of agents of before are taken as they were', (t) => {
  t.deepEqual(SessionEvent.parse(event), event as unknown)
  const heartbeat = {
    bastion: 'b1',
    version: '1',
    at: event.at,
    keyId: 'k',
    publicKey: 'p',
    waitMs: 0,
    openSessions: [],
    spool: { usedBytes: 0, maxBytes: 1 },
  }
  t.is(Heartbeat.parse(heartbeat).status, undefined)
})

test('an agent says how it is within limits', (t) => {
  const said = { ...event, clockOffsetMs: -12, spoolShare: 0.25, openSessions: 3, hooks: [hook] }
  t.like(SessionEvent.parse(said), { clockOffsetMs: -12, hooks: [hook] } as object)
  for (const wrong of [
    { hooks: Array.from({ length: 33 }, () => hook) },
    { hooks: [{ ...hook, lastError: 'e'.repeat(513) }] },
    { hooks: [{ ...hook, since: 'yesterday' }] },
    { spoolShare: -1 },
    { clockOffsetMs: '5' },
    { sessions: [{ sessionId: 'x', lastSeq: 1 }] },
  ])
    t.false(SessionEvent.safeParse({ ...said, ...wrong }).success, JSON.stringify(wrong).slice(0, 80))
})
