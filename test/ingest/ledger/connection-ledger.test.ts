import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createConnectionLedger } from '#ingest/ledger/connection-ledger.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { graceMs } from '#services/schema/ledger-deadlines.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { at, newId, sessionRow, update } from '#test/contract/catalog-place.ts'
import { openSqliteCatalog } from '#test/helpers/open-sqlite-catalog.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { access, bastion, beat, channel, connectionId, disconnect, failure, login, recorded } from './sshd-events.ts'

const log = createLogger('ledger', 'silent')

const openCatalog = async (t: ExecutionContext): Promise<Catalog> => {
  const catalog = await openSqliteCatalog({ file: join(await temporaryFolder(t), 'catalog.db') })
  t.teardown(() => catalog.close())
  return catalog
}
const newLedger = (catalog: Catalog, clock: Clock = { now: () => 0 }) =>
  createConnectionLedger({ catalog, log, graceMs, clock })
const isOurs = () => true
const take = async (catalog: Catalog, ledger: ReturnType<typeof createConnectionLedger>, events: SessionEvent[]) => {
  await catalog.putEvents(events)
  await ledger.take(events)
}
const listed = async (catalog: Catalog) =>
  (await catalog.sessions({ limit: 100 })).items.map(({ state, recorded, startedAt, login }) => ({
    state,
    recorded,
    startedAt,
    failures: login?.failuresBefore,
  }))

test('a channel without a recording is listed when the time of its bastion has come, and goes when the recording does come', async (t) => {
  const catalog = await openCatalog(t)
  const ledger = newLedger(catalog)
  await take(catalog, ledger, [failure(-5, 'a'), login(0), channel(1, 0)])
  await take(catalog, ledger, [beat(60)])
  t.deepEqual(await listed(catalog), [])
  await take(catalog, ledger, [beat(61)])
  t.deepEqual(await listed(catalog), [{ state: 'missing', recorded: false, startedAt: at(1), failures: 1 }])
  const [row] = (await catalog.sessions({ limit: 1 })).items
  t.deepEqual((await catalog.commands(row!.id, { limit: 10 })).items, [])

  const late = sessionRow(1.4, { connectionId })
  await catalog.indexFrames(update(late, [0, 1]))
  await take(catalog, ledger, [recorded(1.4, late.id)])
  t.deepEqual(await listed(catalog), [{ state: 'open', recorded: true, startedAt: at(1.4), failures: 1 }])
})

test('an indexer that starts anew knows what the one before waited for', async (t) => {
  const catalog = await openCatalog(t)
  await take(catalog, newLedger(catalog), [login(0), channel(1, 0), beat(30)])
  await take(catalog, newLedger(catalog), [beat(300)])
  t.deepEqual(
    (await listed(catalog)).map(({ state }) => state),
    ['missing'],
  )
})

test('a run that is taken again after a crash in its middle ends in the same rows', async (t) => {
  const catalog = await openCatalog(t)
  await take(catalog, newLedger(catalog), [login(0), channel(1, 0)])
  const run = [beat(50), beat(4_000), login(4_001), disconnect(4_005), beat(4_065)]
  await catalog.putEvents(run)
  await take(catalog, newLedger(catalog), run)
  t.deepEqual(
    (await listed(catalog)).map(({ state }) => state),
    ['tunnel_only', 'missing'],
  )
})

test('of a bastion that says nothing more, what waits is judged when its time has come by our clock', async (t) => {
  const catalog = await openCatalog(t)
  let nowMs = 1_000_000
  const clock = { now: () => nowMs }
  const ledger = newLedger(catalog, clock)
  const tunnel = [login(2), disconnect(3)].map((event) => ({
    ...event,
    id: `${event.id}-tunnel`,
    connectionId: 't'.repeat(32),
  }))
  await take(catalog, ledger, [login(0), channel(1, 0), ...tunnel])
  nowMs += 57_999
  await ledger.tick(isOurs)
  t.deepEqual(await listed(catalog), [])
  nowMs += 1
  await ledger.tick(isOurs)
  t.deepEqual(
    (await listed(catalog)).map(({ state }) => state),
    ['missing'],
  )
  nowMs += 2_000
  await ledger.tick(isOurs)
  t.deepEqual(
    (await listed(catalog)).map(({ state }) => state),
    ['tunnel_only', 'missing'],
  )
})

test('what people at the console do says nothing of the bastion, and puts no deadline off', async (t) => {
  const catalog = await openCatalog(t)
  let nowMs = 1_000_000
  const ledger = newLedger(catalog, { now: () => nowMs })
  await take(catalog, ledger, [login(0), channel(1, 0)])
  for (let n = 0; n < 60; n++) {
    nowMs += 1_000
    await take(catalog, ledger, [access(n)])
    await ledger.tick(isOurs)
  }
  t.deepEqual(
    (await listed(catalog)).map(({ state }) => state),
    ['missing'],
  )
})

test('a deadline holds over a restart after which nothing is heard of the bastion, counted from there at most', async (t) => {
  const catalog = await openCatalog(t)
  let nowMs = 1_000_000
  const clock = { now: () => nowMs }
  await take(catalog, newLedger(catalog, clock), [login(0), channel(1, 0), beat(30)])
  const [restarted, others] = [newLedger(catalog, clock), newLedger(catalog, clock)]
  await restarted.tick(isOurs)
  await others.tick(() => false)
  nowMs += 59_999
  await restarted.tick(isOurs)
  t.deepEqual(await listed(catalog), [])
  nowMs += 1
  await others.tick(() => false)
  t.deepEqual(await listed(catalog), [], 'another partition has it')
  await restarted.tick(isOurs)
  t.deepEqual(
    (await listed(catalog)).map(({ state }) => state),
    ['missing'],
  )
})

test('an old log is judged when it comes, since nothing of it is still on its way', async (t) => {
  const catalog = await openCatalog(t)
  const receivedAt = at(86_400)
  const events = [login(0, { receivedAt }), channel(1, 0, { receivedAt })]
  await take(catalog, newLedger(catalog), events)
  t.is((await listed(catalog)).length, 1)
})

test('what another bastion tells of the same addresses is another connection', async (t) => {
  const catalog = await openCatalog(t)
  const ledger = newLedger(catalog)
  const elsewhere = [login(0), disconnect(9)].map((event) => ({
    ...event,
    id: `other-${event.id}`,
    bastion: 'bastion-2',
  }))
  const otherBeat = { ...beat(100), id: 'other-beat', bastion: 'bastion-2' }
  await take(catalog, ledger, [login(0), channel(1, 0), ...elsewhere, disconnect(9), beat(100), otherBeat])
  await take(catalog, ledger, elsewhere)
  const rows = (await catalog.sessions({ limit: 10 })).items.map((row) => [row.bastion, row.state])
  t.deepEqual(rows, [
    [bastion, 'missing'],
    ['bastion-2', 'tunnel_only'],
  ])
})

test('events in any order, some twice, in runs of any length, with restarts: the rows are the same', async (t) => {
  const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Date.now() % 1_000_000)
  t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
  const random = seededRandom(seed)
  const ids = [newId(), newId()]
  const visit = (start: number, id: string) => [
    failure(start - 3, `${start}`),
    login(start),
    channel(start + 1, 0),
    recorded(start + 1.2, id),
    channel(start + 50, 1),
    disconnect(start + 200),
  ]
  const other = (event: SessionEvent, n: number) => ({
    ...event,
    id: `${event.id}-${n}`,
    connectionId: `${n}`.repeat(32),
  })
  const tunnels = [1, 2, 3].flatMap((n) => [other(login(n * 100), n), other(disconnect(n * 100 + 10), n)])
  const events = [...visit(0, ids[0]!), ...visit(5_000, ids[1]!), ...tunnels, beat(300), beat(5_300)]
  const inOrder = await openCatalog(t)
  await take(inOrder, newLedger(inOrder), events)
  const expected = await listed(inOrder)
  t.is(expected.length, 5)

  for (let round = 0; round < 4; round++) {
    const catalog = await openCatalog(t)
    const twice = events.filter(() => random() < 0.3)
    const arriving = [...events, ...twice]
      .map((event) => ({ event, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ event }) => event)
    let ledger = newLedger(catalog)
    while (arriving.length > 0) {
      await take(catalog, ledger, arriving.splice(0, 1 + Math.floor(random() * 6)))
      if (random() < 0.3) ledger = newLedger(catalog)
    }
    t.deepEqual(await listed(catalog), expected, `round ${round}`)
  }
})
