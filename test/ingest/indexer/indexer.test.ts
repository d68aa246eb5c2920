import test from 'ava'
import type { Bus, BusRecord } from '#services/bus/bus.ts'
import type { Catalog } from '#services/catalog/catalog.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import { EndReason } from '#services/schema/generated/frame_batch_pb.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { event } from '#test/contract/catalog-place.ts'
import { exec, recordedSession, sessionAtMs, shown, typed } from '#test/helpers/recorded-session.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { isCaughtUp, openBus, openCatalog, produceBatches, runningIndexer, startIndexer } from './place.ts'

const caughtUp = (bus: Bus) => until(() => isCaughtUp(bus), { what: 'the indexer to commit everything' })
const line = (text: string): Frame[] => [shown('\x1b[?2004h$ '), typed(`${text}\r`), shown(`${text}\r\n\x1b[?2004l\r`)]
const session = (start: Parameters<typeof recordedSession>[0] = {}, atMs = sessionAtMs) => {
  const recorded = recordedSession(start, atMs)
  const batches = [
    recorded.first(...line('first line'), exec('id')),
    recorded.next(...line('second line')),
    recorded.next(...line('third line'), exec('ls')),
    recorded.end(EndReason.EXIT, { exitCode: 3 }, ...line('exit')),
  ]
  return { id: recorded.sessionId, batches }
}
const linesOf = async (catalog: Catalog, id: string): Promise<string[]> =>
  (await catalog.commands(id, { limit: 100 })).items.map((command) => command.line)
const all = ['first line', 'second line', 'third line', 'exit']

const deadLetters = async (bus: Bus): Promise<BusRecord[]> => {
  const partitions = Array.from({ length: bus.partitions('dead-letters') }, (_, partition) => partition)
  const read = partitions.map((partition) => bus.read({ topic: 'dead-letters', partition }, 0, 100))
  return (await Promise.all(read)).flat()
}

test('a recorded session is found, and found to be over', async (t) => {
  const { bus, catalog } = await runningIndexer(t)
  const { id, batches } = session()
  await produceBatches(bus, id, batches.slice(0, 2))
  await until(async () => (await catalog.session(id))?.commandCount === 2)
  t.like(await catalog.session(id), { state: 'open', evidence: 'pending', user: 'alice' })
  t.deepEqual(
    (await catalog.sessions({ query: wordsQuery('second'), limit: 5 })).items.map((item) => item.id),
    [id],
  )
  await produceBatches(bus, id, batches.slice(2))
  await caughtUp(bus)
  t.like(await catalog.session(id), { state: 'complete', exitCode: 3, commandCount: 4 })
  t.deepEqual(await linesOf(catalog, id), all)
})

test('batches that come twice or in another order give the same rows', async (t) => {
  const { bus, catalog } = await runningIndexer(t, 60_000)
  const { id, batches } = session()
  const [a, b, c, d] = batches as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  await produceBatches(bus, id, [c, a, a, d, c])
  await until(async () => (await catalog.session(id))?.commandCount === 1)
  t.false(await isCaughtUp(bus), 'what waits is not committed')
  await produceBatches(bus, id, [b, a])
  await caughtUp(bus)
  t.deepEqual(await linesOf(catalog, id), all)
  t.like(await catalog.session(id), { state: 'complete', endDetail: null })
})

test('a batch that never comes is waited for, then named as a gap', async (t) => {
  const { bus, catalog, registry } = await runningIndexer(t, 300)
  const { id, batches } = session()
  await produceBatches(bus, id, [batches[0]!, batches[2]!, batches[3]!])
  await caughtUp(bus)
  t.like(await catalog.session(id), { state: 'truncated', exitCode: 3, endDetail: 'batch 1 never came' })
  t.deepEqual(await linesOf(catalog, id), ['first line', 'third line', 'exit'])
  t.regex(await registry.metrics(), /bartizan_indexer_gaps_total 1/)
})

test('what can never be indexed becomes a dead letter, and the rest goes on', async (t) => {
  const { bus, catalog } = await runningIndexer(t, 300)
  const { id, batches } = session()
  const torn = batches[1]!.slice(0, -7)
  await produceBatches(bus, id, [batches[0]!, Buffer.from('no batch at all'), torn, ...batches.slice(1)])
  await bus.produce([
    { topic: 'session-events', key: 'bastion-1', value: Buffer.from('{"kind":"login","id":"secret-id"}') },
    { topic: 'session-events', key: 'bastion-1', value: Buffer.from([0xff, 0xfe]) },
    { topic: 'session-events', key: 'bastion-1', value: Buffer.from(JSON.stringify(event(0, { id: 'good-event' }))) },
  ])
  await caughtUp(bus)
  t.deepEqual(await linesOf(catalog, id), all)
  t.deepEqual(
    (await catalog.events({ limit: 5 })).items.map((item) => item.id),
    ['good-event'],
  )
  const letters = await deadLetters(bus)
  t.deepEqual(letters.map(({ headers }) => headers.topic).sort(), [
    'session-events',
    'session-events',
    'session-frames',
    'session-frames',
  ])
  t.true(letters.every(({ headers }) => headers.where === 'indexer' && !headers.reason!.includes('secret-id')))
})

test('events are indexed once, whoever sends them again', async (t) => {
  const { bus, catalog } = await runningIndexer(t)
  const events = Array.from({ length: 1_200 }, (_, n) => event(n))
  const records = events.map((one) => ({
    topic: 'session-events' as const,
    key: one.bastion,
    value: Buffer.from(JSON.stringify(one)),
  }))
  await bus.produce(records)
  await bus.produce(records.slice(0, 100))
  await caughtUp(bus)
  t.is((await catalog.events({ limit: 1 })).total.value, 1_200)
  t.deepEqual((await catalog.events({ limit: 1 })).items, [events.at(-1)!])
})

test('an event that the catalog can never take becomes a dead letter, and the rest goes on (the catalog refuses by hand)', async (t) => {
  const place = { folder: await temporaryFolder(t) }
  const [bus, catalog] = await Promise.all([openBus(place), openCatalog(place)])
  const refusing: Catalog = {
    ...catalog,
    putEvents: async (events) => {
      const index = events.findIndex(({ id }) => id === 'event-refused')
      const taken = await catalog.putEvents(events.filter((_, at) => at !== index))
      return index < 0 ? taken : { ...taken, refused: [{ index, reason: 'it cannot be' }] }
    },
  }
  const { indexer } = await startIndexer(bus, refusing)
  t.teardown(async () => {
    await indexer.close()
    await bus.close()
    await catalog.close()
  })
  const values = ['event-before', 'event-refused', 'event-after'].map((id) => JSON.stringify(event(0, { id })))
  await bus.produce(values.map((value) => ({ topic: 'session-events', key: 'bastion-1', value: Buffer.from(value) })))
  await caughtUp(bus)
  t.is((await catalog.events({ limit: 5 })).total.value, 2)
  const [letter, ...more] = await deadLetters(bus)
  t.deepEqual(more, [])
  t.is(Buffer.from(letter!.value).toString(), values[1]!)
  t.like(letter?.headers, { where: 'indexer', code: 'BTZ_CATALOG_REFUSED', reason: 'it cannot be' })
})

test('a nested sudo gets the session it was started in as its parent', async (t) => {
  const { bus, catalog } = await runningIndexer(t)
  const connection = { connectionId: 'c'.repeat(32), env: { SSH_TTY: '/dev/pts/0' } }
  const login = recordedSession(connection)
  await produceBatches(bus, login.sessionId, [login.first(...line('sudo -i'), exec('sudo', '-i'))])
  await until(async () => (await catalog.session(login.sessionId)) !== null)
  const nested = session({ ...connection, tty: '/dev/pts/1', user: 'root' }, sessionAtMs + 500)
  await produceBatches(bus, nested.id, nested.batches)
  await caughtUp(bus)
  t.is((await catalog.session(nested.id))?.parentId, login.sessionId)
  t.is((await catalog.session(login.sessionId))?.parentId, null)
})

test('an indexer that is closed and started again goes on in the middle of a typed line', async (t) => {
  const place = { folder: await temporaryFolder(t) }
  const recorded = recordedSession()
  const pieces = [
    [shown('\x1b[?2004h$ '), typed('echo ha')],
    [shown('echo ha'), typed('lf\r')],
    [shown('lf\r\n\x1b[?2004l\r'), exec('echo', 'half')],
  ]
  for (const [n, frames] of pieces.entries()) {
    const [bus, catalog] = await Promise.all([openBus(place), openCatalog(place)])
    const { indexer } = await startIndexer(bus, catalog)
    await produceBatches(bus, recorded.sessionId, [n === 0 ? recorded.first(...frames) : recorded.next(...frames)])
    await caughtUp(bus)
    if (n === 2) {
      const { items } = await catalog.commands(recorded.sessionId, { limit: 10 })
      t.deepEqual(
        items.map((command) => [command.line, command.argv]),
        [['echo half', ['echo', 'half']]],
      )
    }
    await indexer.close()
    await bus.close()
    await catalog.close()
  }
})

test('while the catalog refuses writes nothing is lost: they are made when it takes them again', async (t) => {
  const place = { folder: await temporaryFolder(t) }
  const [bus, real] = await Promise.all([openBus(place), openCatalog(place)])
  let refusals = 4
  const refusing: Catalog = {
    ...real,
    indexFrames: async (update) => {
      if (refusals-- > 0) throw new Error('the catalog is down')
      return real.indexFrames(update)
    },
  }
  const { indexer } = await startIndexer(bus, refusing, 60_000)
  const { id, batches } = session()
  for (const batch of batches) await produceBatches(bus, id, [batch])
  await caughtUp(bus)
  t.true(refusals < 0)
  t.deepEqual(await linesOf(real, id), all)
  t.like(await real.session(id), { state: 'complete', endDetail: null })
  await indexer.close()
  await bus.close()
  await real.close()
})
