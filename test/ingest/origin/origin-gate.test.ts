import test, { type ExecutionContext } from 'ava'
import { createIndexer } from '#ingest/indexer/indexer.ts'
import { createEventRecorder } from '#ingest/recorder/event-recorder.ts'
import { createRecorder } from '#ingest/recorder/recorder.ts'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import { createRoleKeys } from '#services/access/role-keys.ts'
import type { NewRecord } from '#services/bus/bus.ts'
import { createOriginCheck } from '#services/origin/origin-check.ts'
import { sealRecords } from '#services/origin/seal.ts'
import { createSigningBus } from '#services/origin/signing-bus.ts'
import { alert } from '#test/contract/catalog-alerts.ts'
import { eventsOf, recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog, ingestBackends } from '#test/helpers/ingest-backends.ts'
import { newSigner } from '#test/helpers/origins.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { hexOf, storedEvidence } from '#test/helpers/stored-evidence.ts'
import { until } from '#test/helpers/until.ts'
import { openState } from '#test/services/access/state-for-test.ts'

test.after.always(closeSharedCatalog)

/** All consumers of a bus that agents may write to. Through `bus` a role writes; through `plain` whoever likes. */
const consumers = async (t: ExecutionContext) => {
  const { bus: plain, ...backends } = await ingestBackends(t, { ingest: { blockMaxMs: 0 } })
  const { state } = await openState(t)
  const { clock } = backends
  const [agentKeys, roleKeys] = [createAgentKeys({ state, clock }), createRoleKeys({ state, clock })]
  const role = newSigner('role')
  await roleKeys.register(role)
  const bus = createSigningBus(plain, role)
  const shared = { ...backends, bus, origins: createOriginCheck({ agentKeys, roleKeys, clock }) }
  const all = await Promise.all([createRecorder(shared), createEventRecorder(shared), createIndexer(shared)])
  t.teardown(async () => void (await Promise.all(all.map((one) => one.close()))))
  const agentOf = async (bastion: string) => {
    const signer = newSigner('agent', bastion)
    await agentKeys.seen(bastion, signer.publicKey, async () => {})
    return signer
  }
  const caughtUp = () =>
    until(async () => (await plain.lag()).every(({ committed, end }) => committed === end), { what: 'all consumed' })
  const deadLetters = async () =>
    (await recordsOf(plain, 'dead-letters')).map(({ headers }) => ({ where: headers.where, code: headers.code }))
  return { ...shared, plain, agentOf, caughtUp, deadLetters }
}
const frames = (key: string, ...batches: Uint8Array[]): NewRecord[] =>
  batches.map((value) => ({ topic: 'session-frames', key, value }))
const event = (id: string, bastion: string, fields: object = {}): NewRecord => ({
  topic: 'session-events',
  key: bastion,
  value: Buffer.from(
    JSON.stringify({ id, kind: 'login', at: '2026-01-31T12:00:00.000Z', source: 'test', bastion, ...fields }),
  ),
})
const unproven = (where: string) => ({ where, code: 'BTZ_ORIGIN_UNPROVEN' })

test('a forged batch is put aside by each consumer and told; what the agent itself sent becomes evidence', async (t) => {
  const c = await consumers(t)
  const [agent, thief] = [await c.agentOf('bastion-1'), await c.agentOf('bastion-2')]
  const session = createSessionBatches()
  const forged = createSessionBatches()
  const [first, second] = [session.first(textFrame('true')), session.end(textFrame('end'))]
  await c.plain.produce(frames(forged.sessionId, forged.first(textFrame('not signed'))))
  await c.plain.produce(sealRecords(frames(session.sessionId, first), agent))
  await c.plain.produce(sealRecords(frames(forged.sessionId, forged.next(textFrame('by a thief'))), thief))
  await c.plain.produce(sealRecords(frames(session.sessionId, second), agent))
  await c.caughtUp()
  await until(async () => (await storedEvidence(c, session.sessionId)).manifests.length === 1, { what: 'sealed' })
  t.deepEqual((await storedEvidence(c, session.sessionId)).batches, hexOf([first, second]))
  t.deepEqual((await storedEvidence(c, forged.sessionId)).objects, [])
  t.is(await c.catalog.session(forged.sessionId), null)
  await c.caughtUp()
  const letters = await c.deadLetters()
  t.deepEqual(
    letters.filter(({ where }) => where === 'recorder'),
    [unproven('recorder'), unproven('recorder')],
  )
  t.deepEqual(
    letters.filter(({ where }) => where === 'indexer'),
    [unproven('indexer'), unproven('indexer')],
  )
  const told = (await eventsOf(c.plain)).filter(({ kind }) => kind === 'recorder_health')
  t.is(told.length, 2)
  t.true(told.every((one) => one.kind === 'recorder_health' && one.status === 'tampered' && one.sessionId === null))
  t.regex(String(told[0]?.detail), /origin: record 0 of session-frames\/0 .*carries no proof/)
})

test('forged events are put aside and told of once a minute; an agent has no word in when its events were received', async (t) => {
  const c = await consumers(t)
  const [agent, thief] = [await c.agentOf('bastion-1'), await c.agentOf('bastion-2')]
  const forged = Array.from({ length: 40 }, (_, n) => event(`forged-event-${n}`, 'bastion-1'))
  await c.plain.produce(sealRecords(forged, thief))
  const claimed = { receivedAt: '2001-01-01T00:00:00.000Z' }
  await c.plain.produce(sealRecords([event('true-event-1', 'bastion-1', claimed)], agent))
  await c.bus.produce([event('true-event-2', 'bastion-1', claimed)])
  await c.caughtUp()
  const page = await c.catalog.events({ kinds: ['login'], limit: 100 })
  const found = new Map(page.items.map((one) => [one.id, one]))
  t.false([...found.keys()].some((id) => id.startsWith('forged')))
  const isTrue1 = ({ value }: { value: Uint8Array }) => Buffer.from(value).includes('true-event-1')
  const { timestampMs } = (await recordsOf(c.plain, 'session-events')).find(isTrue1)!
  t.is(found.get('true-event-1')?.receivedAt, new Date(timestampMs).toISOString())
  t.is(found.get('true-event-2')?.receivedAt, claimed.receivedAt)
  const letters = await c.deadLetters()
  t.is(letters.filter(({ where }) => where === 'event-recorder').length, 40)
  t.is(letters.filter(({ where }) => where === 'indexer').length, 40)
  t.is((await eventsOf(c.plain)).filter(({ kind }) => kind === 'recorder_health').length, 1)
})

test('a record that has a proof keeps it when a role sends it again', async (t) => {
  const c = await consumers(t)
  const thief = await c.agentOf('bastion-2')
  const [forged] = sealRecords([event('forged-event', 'bastion-1')], thief)
  await c.bus.produce([forged!, event('true-event-3', 'bastion-1')])
  const [again, own] = await recordsOf(c.plain, 'session-events')
  t.deepEqual(again?.headers, forged?.headers)
  t.is(own?.headers.originKind, 'role')
  await c.caughtUp()
  t.deepEqual((await c.deadLetters()).map(({ where }) => where).sort(), ['event-recorder', 'indexer'])
})

test('an alert that no role signed is put aside by evidence and catalog, also when an agent signed it', async (t) => {
  const c = await consumers(t)
  const agent = await c.agentOf('bastion-1')
  const said = (name: string): NewRecord => {
    const one = alert(name, 0)
    return { topic: 'alerts', key: one.id, value: Buffer.from(JSON.stringify(one)) }
  }
  await c.plain.produce([said('unsigned'), ...sealRecords([said('by-an-agent')], agent)])
  await c.bus.produce([said('by-a-role')])
  await c.caughtUp()
  t.not(await c.catalog.alert(alert('by-a-role', 0).id), null)
  t.is(await c.catalog.alert(alert('unsigned', 0).id), null)
  t.is(await c.catalog.alert(alert('by-an-agent', 0).id), null)
  const letters = (await c.deadLetters()).map(({ where, code }) => `${where} ${code}`).sort()
  t.deepEqual(letters, [
    ...Array(2).fill('event-recorder BTZ_ORIGIN_UNPROVEN'),
    ...Array(2).fill('indexer BTZ_ORIGIN_UNPROVEN'),
  ])
})
