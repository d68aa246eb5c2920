import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Agent, request as httpsRequest } from 'node:https'
import { fileURLToPath } from 'node:url'
import { create, toBinary } from '@bufbuild/protobuf'
import test, { type ExecutionContext } from 'ava'
import { createIndexer } from '#ingest/indexer/indexer.ts'
import { createRecorder } from '#ingest/recorder/recorder.ts'
import { BatchUploadSchema, SignedHeadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { enrolRelay } from '#test/helpers/relay.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { hexOf, storedEvidence } from '#test/helpers/stored-evidence.ts'
import { serveTlsReceiver } from '#test/helpers/tls-receiver.ts'
import { until } from '#test/helpers/until.ts'

test.after.always(closeSharedCatalog)

const limitMs = 120_000
const hourMs = 3_600_000
const cutMs = 72 * hourMs
const steps = 18
const bastions = ['inner-1', 'inner-2', 'inner-3', 'inner-4']
const sessionsPerBastion = 10
const batchesPerSession = 50
const segmentBytes = 256 * 1024 // so that files are left behind and removed
const childFile = fileURLToPath(new URL('../../helpers/relay-child.ts', import.meta.url))

type Said = { url: string; waiting?: number; deadLetters?: number }

/** The relay as a process, with what it said last. */
const startChild = async (t: ExecutionContext, data: string, aheadMs: number) => {
  const child = fork(childFile, [data, String(segmentBytes)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let said: Said | null = null
  child.on('message', (message) => {
    said = message as Said
  })
  const kill = async () => {
    child.kill('SIGKILL')
    await gone
  }
  t.teardown(kill)
  await until(() => said !== null, { limitMs, what: 'the relay' })
  const setAhead = (ms: number) => void (child.connected && child.send(ms))
  setAhead(aheadMs)
  return { kill, setAhead, said: () => said! }
}

/** What one agent does: sends again what was not acknowledged, to wherever its relay is. */
const createAgent = (tls: object, bastion: string, url: () => string) => {
  const agent = new Agent({ ...tls, keepAlive: true, maxSockets: 1 })
  const call = (method: string, path: string, body: string | Uint8Array) =>
    new Promise<number>((resolve, reject) => {
      const signal = AbortSignal.timeout(10_000)
      const request = httpsRequest(new URL(path, url()), { method, agent, signal }, (response) => {
        response.resume()
        response.once('end', () => resolve(response.statusCode ?? 0))
        response.once('error', reject)
      })
      request.once('error', reject)
      request.end(body)
    })
  let sentAgain = 0
  const insist = async (method: string, path: string, body: string | Uint8Array): Promise<void> => {
    while ((await call(method, path, body).catch(() => 0)) !== 200) {
      sentAgain++
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const beat = () => {
    const at = new Date().toISOString()
    const fields = { bastion, version: '1', at, keyId: 'k', publicKey: 'p', waitMs: 0, openSessions: [] }
    return insist('PUT', '/api/agents/heartbeat', JSON.stringify({ ...fields, spool: { usedBytes: 0, maxBytes: 1 } }))
  }
  return {
    beat,
    sentAgain: () => sentAgain,
    batches: (batches: Uint8Array[]) =>
      insist('POST', '/api/ingest/batches', toBinary(BatchUploadSchema, create(BatchUploadSchema, { batches }))),
    events: (ids: string[], at: string) => {
      const event = { at, kind: 'posture', source: 'agent', bastion, check: 'c', status: 'ok' }
      return insist('POST', '/api/ingest/events', ids.map((id) => `${JSON.stringify({ id, ...event })}\n`).join(''))
    },
    close: () => agent.destroy(),
  }
}

const newSession = (bastion: string, atMs: number, random: () => number) => {
  const session = createSessionBatches({ bastion, atMs })
  const text = () => textFrame(`${'x'.repeat(Math.floor(random() * 2_000))} ${random()}`)
  const batches = [session.first(text())]
  while (batches.length < batchesPerSession - 2) batches.push(session.next(text()))
  const head = create(SignedHeadSchema, { keyId: 'k', hash: new Uint8Array(32) })
  batches.push(session.end(), session.withFields({ head }))
  return { id: session.sessionId, bastion, batches, sent: 0 }
}

test('a link that is cut for three days under load, with flapping, lost acknowledgements and kills: all arrives once, in order, chain intact; sessions are late until then', async (t) => {
  t.timeout(10 * 60_000)
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
  t.log(`seed ${seed}`)
  const random = seededRandom(seed)
  let aheadMs = 0
  const clock = { now: () => Date.now() + aheadMs }
  const startedMs = clock.now()
  const central = await serveTlsReceiver(t, { ingest: { clock, partitions: 3, ingest: { blockMaxMs: 2_000 } } })
  const { data, link, enrolBehind } = await enrolRelay(t, central)
  const { catalog, heartbeats } = central
  const states = new Map<string, Set<string>>()
  const saw = (id: string, state: string) => states.set(id, (states.get(id) ?? new Set<string>()).add(state))
  const seen: typeof catalog = {
    ...catalog,
    indexFrames: async (update) => {
      await catalog.indexFrames(update)
      saw(update.sessionId, update.session.state)
    },
  }
  const silence = { lastHeartbeatMs: heartbeats.lastMs, silentMs: 20 * 60_000 }
  const recorder = await createRecorder({ ...central, silence })
  const indexer = await createIndexer({ ...central, catalog: seen, lateAfterMs: silence.silentMs })
  t.teardown(() => Promise.all([recorder.close(), indexer.close()]))

  let relay = await startChild(t, data, aheadMs)
  const agents = new Map<string, ReturnType<typeof createAgent>>()
  for (const bastion of bastions) {
    const agent = createAgent(await enrolBehind(bastion), bastion, () => relay.said().url)
    agents.set(bastion, agent)
    t.teardown(agent.close)
  }
  const all = bastions.flatMap((bastion) =>
    Array.from({ length: sessionsPerBastion }, (_, n) =>
      newSession(bastion, startedMs + (n * cutMs) / sessionsPerBastion, random),
    ),
  )
  const eventIds: string[] = []
  const early = all.filter((_, at) => at % sessionsPerBastion === 0)
  await Promise.all(bastions.map((bastion) => agents.get(bastion)!.beat()))
  for (const session of early) {
    session.sent = 5
    await agents.get(session.bastion)!.batches(session.batches.slice(0, 5))
  }
  const stateOf = async (id: string) => (await catalog.session(id))?.state ?? 'unknown'
  await until(async () => (await Promise.all(early.map(({ id }) => stateOf(id)))).every((state) => state === 'open'), {
    limitMs,
    what: 'the first sessions',
  })

  link.set('cut')
  /** What happens on one bastion within four hours. */
  const load = async (bastion: string, isLast: boolean): Promise<void> => {
    const agent = agents.get(bastion)!
    const open = all.filter((one) => one.bastion === bastion && one.sent < one.batches.length)
    const some = open.slice(0, 3).map((one) => ({ one, count: isLast ? 1_000 : 1 + Math.floor(random() * 12) }))
    for (const { one, count } of isLast ? open.map((one) => ({ one, count: 1_000 })) : some) {
      const next = one.batches.slice(one.sent, one.sent + count)
      await agent.batches(next)
      one.sent += next.length
    }
    const ids = Array.from({ length: 5 }, () => randomUUID())
    eventIds.push(...ids)
    await agent.events(ids, new Date(clock.now()).toISOString())
    await agent.beat()
  }
  let kills = 0
  const kill = async () => {
    kills++
    await relay.kill()
    relay = await startChild(t, data, aheadMs)
  }
  for (let step = 1; step <= steps; step++) {
    aheadMs = (step * cutMs) / steps
    relay.setAhead(aheadMs)
    const loads = Promise.all(bastions.map((bastion) => load(bastion, step === steps)))
    if (step % 8 === 4) await kill()
    await loads
    if (step === 2)
      await until(
        async () => (await Promise.all(early.map(({ id }) => stateOf(id)))).every((state) => state === 'late'),
        {
          limitMs,
          what: 'sessions of silent agents are late',
        },
      )
    if (step === 5 || step === 10) {
      link.set(step === 5 ? 'up' : 'deaf')
      await new Promise((resolve) => setTimeout(resolve, 150))
      link.set('cut')
    }
  }
  await kill()
  await until(() => relay.said().waiting !== undefined, { limitMs })
  const { waiting: backlog = 0 } = relay.said()
  t.true(backlog > 1_000, 'most of it waited to the end')
  link.set('up')
  const backMs = performance.now()
  await until(() => relay.said().waiting === 0, { limitMs, what: 'everything forwarded' })
  t.log(`${backlog} records forwarded within ${Math.round(performance.now() - backMs)} ms`)
  await Promise.all(bastions.map((bastion) => agents.get(bastion)!.beat()))
  const isComplete = async ({ id }: { id: string }) => (await stateOf(id)) === 'complete'
  await until(async () => (await Promise.all(all.map(isComplete))).every(Boolean), {
    limitMs,
    everyMs: 200,
    what: 'the index',
  })

  for (const { id, batches } of all) {
    const last = async () => (await storedEvidence(central, id)).manifests.at(-1)
    // What was open at the time was closed provisionally after a day.
    await until(async () => (await last())?.provisional === false, { limitMs, everyMs: 200, what: 'the last manifest' })
    const stored = await storedEvidence(central, id)
    t.deepEqual(stored.batches, hexOf(batches), 'once, in order, as the agent wrote them')
    t.like(stored.manifests.at(-1), { provisional: false, endReason: 'exit', gaps: [] })
  }
  t.is(relay.said().deadLetters, 0)
  for (const partition of [0, 1, 2])
    t.deepEqual(await central.bus.read({ topic: 'dead-letters', partition }, 0, 10), [])
  const found = await Promise.all(
    bastions.map(async (bastion) => (await catalog.events({ bastion, kinds: ['posture'], limit: 1_000 })).items),
  )
  const sentIds = new Set(eventIds)
  const came = found.flat().map(({ id }) => id)
  t.deepEqual(came.filter((id) => sentIds.has(id)).sort(), [...sentIds].sort())
  const firstSeenLate = all.filter((one) => !early.includes(one) && states.get(one.id)?.has('late'))
  t.true(firstSeenLate.length > 0, 'what was seen for the first time long after its start was late')
  t.true(all.every(({ id }) => states.get(id)?.has('complete')))
  const again = [...agents.values()].reduce((sum, agent) => sum + agent.sentAgain(), 0)
  t.log(
    `${all.length} sessions, ${all.length * batchesPerSession} batches, ${eventIds.length} events, ${kills} kills, ${again} uploads sent again`,
  )
})
