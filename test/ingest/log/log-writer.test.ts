import test from 'ava'
import { pino } from 'pino'
import { leafIndexKey } from '#services/proofs/log-keys.ts'
import { createLogReader } from '#services/proofs/log-reader.ts'
import { until } from '#test/helpers/until.ts'
import {
  busWith,
  entriesOf,
  latestSize,
  newSigner,
  newStore,
  recordOf,
  recordsTo,
  startWriter,
  untilSize,
  wrongInLog,
} from './log-place.ts'

const farOff = { retainUntil: new Date('2031-01-01T00:00:00Z') }

test('leaves become tiles and a checkpoint over them, locked for as long as the store allows', async (t) => {
  const records = recordsTo(300)
  const place = { bus: await busWith(t, records), recordings: await newStore(t), logKey: newSigner() }
  const writer = await startWriter(t, place)
  await untilSize(writer, place, 300)
  t.deepEqual(await wrongInLog(place, entriesOf(records)), [])
  t.is(await createLogReader(place.recordings).indexOf(records[123]!.key), 123)
  for (const { key, retainUntil } of await place.recordings.list('log/v1/', { limit: 1000 }))
    t.true(retainUntil!.getTime() > Date.now() + 9.9 * 365 * 86_400_000, key)
  await until(async () => (await place.bus.lag()).every(({ committed, end }) => committed === end))
})

test('a checkpoint comes by the clock, and none when nothing grew', async (t) => {
  const place = { bus: await busWith(t, recordsTo(3)), recordings: await newStore(t), logKey: newSigner() }
  await startWriter(t, { ...place, every: '* * * * * *' })
  await until(async () => (await latestSize(place)) === 3, { limitMs: 30_000 })
  const before = (await place.recordings.list('log/v1/', { limit: 100 })).length
  await place.bus.produce([recordOf(1)])
  await until(async () => (await place.bus.lag()).every(({ committed }) => committed === 4), { limitMs: 30_000 })
  t.is((await place.recordings.list('log/v1/', { limit: 100 })).length, before)
})

test('a leaf that comes again, at once or after a restart, is one leaf', async (t) => {
  const place = {
    bus: await busWith(t, [recordOf(0), recordOf(1), recordOf(0)]),
    recordings: await newStore(t),
    logKey: newSigner(),
  }
  const first = await startWriter(t, place)
  await untilSize(first, place, 2)
  await first.close()
  await place.bus.produce([recordOf(1), recordOf(2), recordOf(2), recordOf(0)])
  await untilSize(await startWriter(t, place), place, 3)
  t.deepEqual(await wrongInLog(place, entriesOf(recordsTo(3))), [])
})

test('two writers at once write equal bytes, whenever each makes its checkpoints', async (t) => {
  const records = recordsTo(400)
  const shared = { recordings: await newStore(t), logKey: newSigner() }
  const places = [
    { ...shared, bus: await busWith(t, []) },
    { ...shared, bus: await busWith(t, []) },
  ]
  const writers = await Promise.all(places.map((place) => startWriter(t, place)))
  const feed = async ({ bus }: (typeof places)[number], stepSize: number, writer: (typeof writers)[number]) => {
    for (let from = 0; from < records.length; from += stepSize) {
      await bus.produce(records.slice(from, from + stepSize))
      await writer.drain()
    }
    await until(
      async () => {
        await writer.drain()
        return (await bus.lag()).every(({ committed }) => committed === records.length)
      },
      { limitMs: 60_000 },
    )
  }
  await Promise.all([feed(places[0]!, 97, writers[0]!), feed(places[1]!, 160, writers[1]!)])
  t.is(await latestSize(shared), 400)
  t.deepEqual(await wrongInLog(shared, entriesOf(records)), [])
})

test('where other bytes stand already nothing is overwritten and nothing signed', async (t) => {
  const place = { bus: await busWith(t, recordsTo(2)), recordings: await newStore(t), logKey: newSigner() }
  await place.recordings.put('log/v1/tile/0/000.p/2', Buffer.alloc(64, 1), farOff)
  const writer = await startWriter(t, place)
  await until(
    () =>
      writer.drain().then(
        () => false,
        (error) => error.code === 'BTZ_LOG_FORK',
      ),
    { limitMs: 30_000 },
  )
  t.is(await latestSize(place), null)
  t.deepEqual(Buffer.from(await place.recordings.get('log/v1/tile/0/000.p/2')), Buffer.alloc(64, 1))
  t.true((await place.bus.lag()).every(({ committed }) => committed === 0))
})

test('a history in another order, another key, or a leaf said to stand elsewhere stops the writer', async (t) => {
  const shared = { recordings: await newStore(t), logKey: newSigner() }
  const first = { ...shared, bus: await busWith(t, recordsTo(3)) }
  await untilSize(await startWriter(t, first), first, 3)
  const stands = async (place: typeof first) => {
    const errors: string[] = []
    const log = pino({ level: 'error' }, { write: (line) => errors.push(line) })
    const writer = await startWriter(t, { ...place, log })
    // Tried again for ever, and said each time.
    await until(() => errors.filter((line) => line.includes('BTZ_LOG_FORK')).length >= 2, { limitMs: 30_000 })
    t.true((await place.bus.lag()).every(({ committed }) => committed === 0))
    t.is(await latestSize(place), 3)
    await writer.close()
  }
  await stands({ ...shared, logKey: newSigner(), bus: await busWith(t, [recordOf(9)]) })
  await shared.recordings.put(leafIndexKey(recordOf(7).key), Buffer.from('1\n'), farOff)
  await stands({ ...shared, bus: await busWith(t, [recordOf(7)]) })
  await shared.recordings.put(leafIndexKey(recordOf(8).key), Buffer.from('44\n'), farOff)
  await stands({ ...shared, bus: await busWith(t, [recordOf(8)]) })
})

test('what is no leaf is put aside, and the log goes on', async (t) => {
  const place = { bus: await busWith(t, []), recordings: await newStore(t), logKey: newSigner() }
  const bad = ['', 'x', '{}', '{"v":1,"kind":"manifest","key":"a","sha256":"00"}', '{"v":2}', 'null']
  await place.bus.produce(bad.map((text) => ({ topic: 'log-entries', key: 'k', value: Buffer.from(text) })))
  await place.bus.produce([recordOf(0)])
  await untilSize(await startWriter(t, place), place, 1)
  const aside = await Promise.all(
    [0, 1, 2, 3].map((partition) => place.bus.read({ topic: 'dead-letters', partition }, 0, 50)),
  )
  t.is(aside.flat().length, bad.length)
})
