import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { Registry } from 'prom-client'
import { v7 as uuidv7 } from 'uuid'
import { createCustodian } from '#ingest/custody/custodian.ts'
import { type Clock, systemClock } from '#services/clock.ts'
import { actsPrefix, openAct } from '#services/custody/act-format.ts'
import { isHeld, liftDetails } from '#services/custody/custody.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { dateOf, sessionPrefix } from '#services/recordings/format/evidence-keys.ts'
import { SessionId } from '#services/schema/ids.ts'
import { LogLeaf } from '#services/schema/log-leaf.ts'
import { type CustodyPlace, custodianNamed, openCustodyPlace } from '#test/helpers/custodian.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const [alice, bob] = [custodianNamed('alice'), custodianNamed('bob')]
const dayMs = 86_400_000
const stepsBetweenKills = Number(process.env.STEPS_BETWEEN_KILLS ?? 3) // 1: a kill at each
const child = fileURLToPath(new URL('../../helpers/custodian-child.ts', import.meta.url))

const newSession = () => {
  const sessionId = SessionId.parse(uuidv7())
  return { sessionId, prefix: sessionPrefix(dateOf(Date.now()), sessionId) }
}
const storeBlocks = async ({ recordings }: CustodyPlace, prefix: string, ...names: string[]) => {
  for (const name of names)
    await recordings.put(prefix + name, Buffer.from(name), { retainUntil: new Date(Date.now() + 30 * dayMs) })
}
const open = async (t: ExecutionContext, clock: Clock = systemClock) => {
  const folder = await temporaryFolder(t)
  const place = await openCustodyPlace(folder, clock)
  const custodian = createCustodian(place)
  t.teardown(async () => {
    await custodian.close()
    await place.close()
  })
  return { ...place, place, custodian, folder, ...newSession() }
}
const heldOf = async ({ holds }: CustodyPlace, prefix: string): Promise<string[]> => {
  const held: string[] = []
  for await (const key of holds.keys(prefix)) if (await holds.isHeld(key)) held.push(key.slice(prefix.length))
  return held
}
const actsOf = async ({ recordings, logKey }: CustodyPlace, sessionId: string) => {
  const stored = await recordings.list(actsPrefix(sessionId), { limit: 100 })
  const acts = await Promise.all(stored.map(async ({ key }) => openAct(await recordings.get(key), verifierOf(logKey))))
  return acts.map(({ kind, by }) => `${kind} by ${by.map(({ name }) => name).join(' and ')}`)
}
const approveLift = async ({ approvals, custody }: CustodyPlace, sessionId: SessionId) => {
  const asked = await approvals.request({
    ...{ action: 'hold.lift', subject: sessionId, reason: 'the case is closed', by: alice },
    details: liftDetails((await custody.get(sessionId))!),
  })
  return approvals.decide(asked.id, { decision: 'approved', reason: 'it is', by: bob })
}

test('a hold stands on every object of its session, and on no other; its act is written when it does', async (t) => {
  const { place, custodian, custody, sessionId, prefix } = await open(t)
  const other = newSession()
  await storeBlocks(place, prefix, '000000000000', '000000000007', 'manifest-0001')
  await storeBlocks(place, other.prefix, '000000000000')
  await custody.hold(sessionId, { reason: 'a court asks', by: alice })
  await custodian.round()
  t.deepEqual(await heldOf(place, prefix), ['000000000000', '000000000007', 'manifest-0001'])
  t.deepEqual(await heldOf(place, other.prefix), [])
  t.deepEqual(await actsOf(place, sessionId), ['hold by alice'])
  t.truthy((await custody.get(sessionId))?.holds[0]?.appliedAt)
})

test('blocks that come while a held session goes on are held too', async (t) => {
  let nowMs = Date.now()
  const { place, custodian, custody, sessionId, prefix } = await open(t, { now: () => nowMs })
  await custody.hold(sessionId, { reason: 'a court asks', by: alice })
  await custodian.round()
  await storeBlocks(place, prefix, '000000000000')
  nowMs += 3_600_000
  await custodian.round()
  await storeBlocks(place, prefix, '000000000007', 'manifest-0001')
  nowMs += 10_000
  await custodian.round()
  t.deepEqual(await heldOf(place, prefix), ['000000000000', '000000000007', 'manifest-0001'])
  t.deepEqual(await actsOf(place, sessionId), ['hold by alice'])
})

test('a held object that nears its date gets a later one: a store may forget the hold of what is past it', async (t) => {
  const { place, custodian, recordings, custody, sessionId, prefix } = await open(t)
  await recordings.put(`${prefix}000000000000`, Buffer.from('x'), { retainUntil: new Date(Date.now() + dayMs) })
  await custody.hold(sessionId, { reason: 'a court asks', by: alice })
  await custodian.round()
  const until = (await place.recordings.head(`${prefix}000000000000`))!.retainUntil!.getTime()
  t.true(until >= Date.now() + 6.9 * dayMs && until <= Date.now() + 14 * dayMs)
})

test('a hold ends when a second person agreed, its end is said first, and another hold keeps holding', async (t) => {
  const { place, custodian, custody, approvals, sessionId, prefix } = await open(t)
  await storeBlocks(place, prefix, '000000000000')
  await custody.hold(sessionId, { reason: 'a court asks', by: alice })
  const first = await approveLift(place, sessionId)
  await custody.hold(sessionId, { reason: 'another court asks', by: bob })
  await custodian.round()
  t.deepEqual(await heldOf(place, prefix), ['000000000000'])
  t.is((await approvals.get(first.id)).state, 'done')
  const second = await approveLift(place, sessionId)
  await custodian.round()
  t.deepEqual(await heldOf(place, prefix), [])
  t.false(isHeld(await custody.get(sessionId)))
  t.is((await approvals.get(second.id)).state, 'done')
  t.deepEqual((await actsOf(place, sessionId)).sort(), [
    'hold by alice',
    'hold by bob',
    'release by alice and bob',
    'release by alice and bob',
  ])
})

test('a longer retention is that of every object, also of those that come later, and shortens none', async (t) => {
  let nowMs = Date.now()
  const { place, custodian, recordings, custody, sessionId, prefix } = await open(t, { now: () => nowMs })
  const [until, later] = [new Date(Date.now() + 90 * dayMs), new Date(Date.now() + 400 * dayMs)]
  await storeBlocks(place, prefix, '000000000000')
  await recordings.put(`${prefix}000000000003`, Buffer.from('x'), { retainUntil: later })
  await custody.retain(sessionId, { until, reason: 'an audit', by: alice })
  await custodian.round()
  await storeBlocks(place, prefix, '000000000007')
  nowMs += 3_600_000
  await custodian.round()
  const dates = (await recordings.list(prefix, { limit: 10 })).map(({ retainUntil }) => retainUntil)
  t.deepEqual(dates, [until, later, until])
  t.deepEqual(await actsOf(place, sessionId), ['retention by alice'])
})

test('what cannot be done for one session stops no other, and is tried again', async (t) => {
  const { place, custody, sessionId, prefix } = await open(t)
  const other = newSession()
  for (const each of [{ sessionId, prefix }, other]) {
    await storeBlocks(place, each.prefix, '000000000000')
    await custody.hold(each.sessionId, { reason: 'a court asks', by: alice })
  }
  let isAway = true
  const setHold: CustodyPlace['holds']['setHold'] = (key, on) =>
    isAway && key.startsWith(prefix) ? Promise.reject(new Error('away')) : place.holds.setHold(key, on)
  const custodian = createCustodian({ ...place, holds: { ...place.holds, setHold }, registry: new Registry() })
  t.teardown(custodian.close)
  await custodian.round()
  t.deepEqual([await heldOf(place, prefix), await heldOf(place, other.prefix)], [[], ['000000000000']])
  t.deepEqual(await actsOf(place, sessionId), [], 'nothing is said that is not so')
  isAway = false
  await custodian.round()
  t.deepEqual(await heldOf(place, prefix), ['000000000000'])
})

/** @returns whether the round came to its end */
const runChild = async (folder: string, killBefore: number): Promise<boolean> => {
  const [code] = await once(spawn(process.execPath, [child, folder, String(killBefore)], { stdio: 'inherit' }), 'exit')
  return code === 0
}

test('killed -9 before each thing that it makes durable, it does the rest, once', async (t) => {
  t.timeout(5 * 60_000)
  const folder = await temporaryFolder(t)
  const [held, freed] = [newSession(), newSession()]
  const before = await openCustodyPlace(folder, systemClock)
  for (const { sessionId, prefix } of [held, freed]) {
    await storeBlocks(before, prefix, '000000000000')
    await before.custody.hold(sessionId, { reason: 'a court asks', by: alice })
  }
  const approval = await approveLift(before, freed.sessionId)
  await before.close()

  let kills = 0
  while (!(await runChild(folder, 2 + kills * stepsBetweenKills))) kills++
  t.true(kills >= 2)
  t.log(`${kills} kills`)

  const after = await openCustodyPlace(folder, systemClock)
  t.teardown(after.close)
  t.deepEqual(await heldOf(after, held.prefix), ['000000000000'])
  t.deepEqual(await heldOf(after, freed.prefix), [])
  t.deepEqual(await actsOf(after, held.sessionId), ['hold by alice'])
  t.deepEqual((await actsOf(after, freed.sessionId)).sort(), ['hold by alice', 'release by alice and bob'])
  t.is((await after.approvals.get(approval.id)).state, 'done')
  const leaves = new Set<string>()
  for (const { value } of await recordsOf(after.bus, 'log-entries'))
    leaves.add(LogLeaf.parse(JSON.parse(String(value))).key)
  t.is(leaves.size, 3)
})
