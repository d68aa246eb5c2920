import { join } from 'node:path'
import test from 'ava'
import { pino } from 'pino'
import { createHeartbeats } from '#services/agents/heartbeats.ts'
import type { AgentStatus } from '#services/schema/agent-status.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const statusOf = (listening: boolean): AgentStatus => ({
  ...{ version: '0.1.0', nodeVersion: 'v24', protocol: 1, openSessions: 0, sessions: [] },
  ...{ spoolShare: 0, spoolOldestMs: 0, clockOffsetMs: 0 },
  hooks: [{ name: 'sudo', listening, since: '2026-03-04T05:06:07.000Z', lastEventAt: null, lastError: null }],
})

test('every heartbeat is noted, more than one in its time is not, and a hook that goes down is within seconds', async (t) => {
  let nowMs = 1_000_000
  const clock = { now: () => nowMs }
  const state = await createSqliteStateStore({ file: join(await temporaryFolder(t), 'state.db') })
  t.teardown(() => state.close())
  const heartbeats = createHeartbeats({ state, clock, log: pino({ level: 'silent' }) })
  const said = (listening: boolean) =>
    heartbeats.heard({ bastion: 'b1', version: '0.1.0', status: statusOf(listening) })
  const isNoted = (atMs: number, listening: boolean) =>
    until(async () => {
      const [heard] = await heartbeats.list()
      return heard?.atMs === atMs && heard.status?.hooks[0]?.listening === listening
    })

  said(true)
  await isNoted(1_000_000, true)
  nowMs += 1_000
  said(false)
  nowMs += 1_000
  said(false)
  await isNoted(1_002_000, false)
  nowMs += 7_999
  said(false)
  nowMs += 1
  said(false)
  await isNoted(1_010_000, false)
  t.is(await heartbeats.lastMs('b1'), 1_010_000)
})
