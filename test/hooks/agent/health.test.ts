import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { createHookWatch } from '#hooks/agent/hook-watch.ts'
import { startLinks } from '#hooks/agent/links.ts'
import { createSpoolAge, waitingSinceMs } from '#hooks/agent/spool-age.ts'
import { troublesOf } from '#hooks/agent/status.ts'
import { clockOffsetMs } from '#hooks/agent/uplink/clock-offset.ts'
import type { AgentStatus } from '#services/schema/agent-status.ts'
import { type Heartbeat, HeartbeatAnswer } from '#services/schema/uplink.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { configOf, eventsOf, openCore, openingOf, output, silent } from './core.ts'

const at = Date.UTC(2026, 0, 5, 9)

test('the offset of a clock is found whatever time the answer was held, and to half of what the ways differ', (t) => {
  const heard = (offMs: number, thereMs: number, backMs: number, heldMs: number) =>
    clockOffsetMs({
      sentAtMs: at + offMs,
      receivedAtMs: at + thereMs,
      answeredAtMs: at + thereMs + heldMs,
      tookMs: thereMs + heldMs + backMs,
    })
  t.is(heard(0, 20, 20, 10_000), 0)
  t.is(heard(-3_600_000, 5, 5, 0), -3_600_000)
  t.is(heard(61_000, 20, 20, 10_000), 61_000)
  t.is(heard(0, 1_000, 0, 10_000), -500)
  t.is(heard(0, 4_000, 1_000, 0), null)
})

test('what is wrong is named once, and differently when it gets worse', (t) => {
  const well: AgentStatus = {
    version: '1',
    nodeVersion: 'v24',
    protocol: 1,
    openSessions: 0,
    sessions: [],
    spoolShare: 0.5,
    spoolOldestMs: 0,
    clockOffsetMs: -5_000,
    hooks: [],
  }
  const keys = (more: Partial<AgentStatus>) => troublesOf({ ...well, ...more }, at).map(({ key }) => key)
  const hook = { name: 'sudo', since: new Date(at - 30_000).toISOString(), lastEventAt: null, lastError: 'EMFILE' }
  t.deepEqual(keys({}), [])
  t.deepEqual(keys({ clockOffsetMs: -5_001 }), ['clock off'])
  t.deepEqual(keys({ clockOffsetMs: 60_001 }), ['clock far off'])
  t.deepEqual(keys({ spoolShare: 0.501 }), ['spool'])
  t.deepEqual(keys({ hooks: [{ ...hook, listening: true }] }), [])
  t.deepEqual(keys({ hooks: [{ ...hook, listening: false }] }), ['hook sudo'])
})

test('the age of the spool is that of what the receiver does not have, and its memory is bounded', (t) => {
  let nowMs = at
  const spool = { durablePosition: 0, acknowledgedPosition: 0 }
  const age = createSpoolAge(spool, () => nowMs, at)
  t.is(age.oldestMs(), 0)
  spool.durablePosition = 10
  age.look()
  nowMs += 5_000
  spool.durablePosition = 20
  t.is(age.oldestMs(), 5_000)
  spool.acknowledgedPosition = 10
  nowMs += 1_000
  t.is(age.oldestMs(), 1_000)
  for (let n = 0; n < 100_000; n++) {
    spool.durablePosition += 10
    nowMs += 1_000
    age.look()
  }
  t.is(age.oldestMs(), 100_001_000)
  spool.acknowledgedPosition = spool.durablePosition
  t.is(age.oldestMs(), 0)
})

test('a hook that stops listening is seen, with the time since when and its last event and error', (t) => {
  let nowMs = at
  const probe = { listening: true, lastError: null as string | null }
  const watch = createHookWatch(() => nowMs)
  watch.add('sudo', () => probe)
  const iso = (ms: number) => new Date(ms).toISOString()
  const sudo = { name: 'sudo', listening: true, since: iso(at), lastEventAt: null, lastError: null }
  t.deepEqual(watch.states(), [sudo])
  nowMs += 1_000
  Object.assign(probe, { listening: false, lastError: 'x'.repeat(600) })
  t.deepEqual(watch.states(), [{ ...sudo, listening: false, since: iso(at + 1_000), lastError: 'x'.repeat(512) }])
  watch.stop()
  t.deepEqual(watch.states(), [])
})

/** A receiver whose clock is `offMs` behind that of the agent, and that takes nothing but heartbeats. */
const heartbeatsOnly = async (t: { teardown(fn: () => unknown): void }, offMs: () => number) => {
  const heard: Heartbeat[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (request.url !== '/api/agents/heartbeat') return response.writeHead(503).end()
    heard.push(JSON.parse(Buffer.concat(chunks).toString()))
    const nowMs = Date.now() - offMs()
    const clock = { receivedAtMs: nowMs, answeredAtMs: nowMs }
    const answer: HeartbeatAnswer = { orders: [], signingKey: 'registered', evidence: [], clock }
    response.end(JSON.stringify(answer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('an agent tells by heartbeat and by event how it is, and at once when its clock is off and when it is right again', async (t) => {
  let offMs = 0
  const receiver = await heartbeatsOnly(t, () => offMs)
  const data = await temporaryFolder(t)
  const config = configOf(data, { heartbeatMs: 50, batchMaxMs: 5, spool: { maxBytes: 256 * 1024 } })
  config.uplink = { ...config.uplink, url: receiver.url, tokenFile: join(data, 'token') }
  await writeFile(join(data, 'token'), 'secret')
  const core = await openCore(t, config)
  const links = startLinks(config, silent, core.identity, core, null)
  t.teardown(() => links.close(0))
  links.hooks.add('sudo', () => ({ listening: true, lastError: null }))
  const recorder = links.hooks.recorderFor('sudo', core.recorder)
  const session = await recorder.open(openingOf())
  session.frame(output('hello'))
  offMs = 90_000

  const told = async (detail: RegExp) =>
    (await eventsOf(core)).find((event) => event.kind === 'recorder_health' && detail.test(String(event.detail)))
  await until(async () => (await told(/the clock is (89|90)\.\d s ahead/)) !== undefined, { limitMs: 30_000 })
  const event = (await told(/ahead/))!
  t.true(Math.abs((event.clockOffsetMs as number) - 90_000) < 5_000)
  t.like(event, { openSessions: 1, nodeVersion: process.version, protocol: 1, status: 'ok' })
  offMs = 0
  await until(async () => (await told(/is over/)) !== undefined, { limitMs: 30_000 })

  const { status } = receiver.heard.at(-1)!
  t.is(status?.openSessions, 1)
  t.deepEqual(
    status?.sessions.map(({ sessionId }) => sessionId as string),
    [session.sessionId],
  )
  t.like(status?.hooks[0], { name: 'sudo', listening: true })
  t.true(Date.parse(status!.hooks[0]!.lastEventAt!) > 0)
  t.true(status!.spoolShare > 0 && status!.spoolOldestMs >= 0)
  t.true(HeartbeatAnswer.safeParse({ orders: [], signingKey: 'unknown', evidence: [] }).success) // of the release before
})

test('what waits from before a restart is at least as old as the file it stands in', async (t) => {
  const data = await temporaryFolder(t)
  const core = await openCore(t, configOf(data))
  const folder = join(data, 'agent', 'spool')
  await mkdir(folder, { recursive: true })
  t.is(await waitingSinceMs(folder, core.spool), null)
  const beforeMs = Date.now() - 2_000
  await core.events.emit({ kind: 'recorder_health', at: new Date().toISOString(), source: 'agent', status: 'ok' })
  const sinceMs = await waitingSinceMs(folder, core.spool)
  t.true(sinceMs! >= beforeMs && sinceMs! <= Date.now() + 2_000)
})
