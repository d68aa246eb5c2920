import test from 'ava'
import { openCheckpoint, signCheckpoint } from '#services/proofs/checkpoint.ts'
import { createLogReader } from '#services/proofs/log-reader.ts'
import { verifierOf } from '#services/proofs/note.ts'
import { decodeEvent } from '#services/schema/decode-event.ts'
import { until } from '#test/helpers/until.ts'
import {
  busWith,
  entriesOf,
  forkLog,
  keysOf,
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
  t.is(await createLogReader(place.recordings, verifierOf(place.logKey)).indexOf(records[123]!.key), 123)
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

test('each checkpoint is an event that holds it as it was signed, also the one that a start finds', async (t) => {
  const place = { bus: await busWith(t, recordsTo(3)), recordings: await newStore(t), logKey: newSigner() }
  const events = async () => {
    const all = await Promise.all(
      [0, 1, 2, 3].map((partition) => place.bus.read({ topic: 'session-events', partition }, 0, 100)),
    )
    const decoded = all.flat().map(({ value }) => decodeEvent(value))
    return decoded.flatMap((one) => ('event' in one && one.event.kind === 'access' ? [one.event] : []))
  }
  const quiet = await startWriter(t, place)
  await untilSize(quiet, place, 3)
  await quiet.close()
  t.deepEqual(await events(), [])

  await startWriter(t, { ...place, every: '* * * * * *' })
  const sizes = async () =>
    (await events()).map(({ action, object }) => {
      t.is(action, 'log.checkpoint')
      return openCheckpoint(Buffer.from(object ?? ''), verifierOf(place.logKey)).size
    })
  await until(async () => (await sizes()).join() === '3', {
    limitMs: 30_000,
    what: 'the event of the checkpoint of before',
  })
  await place.bus.produce([recordOf(3)])
  await until(async () => (await sizes()).join() === '3,4', {
    limitMs: 30_000,
    what: 'the event of the last checkpoint',
  })
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
  const key = keysOf(place).tile({ level: 0, index: 0, width: 2 })
  await place.recordings.put(key, Buffer.alloc(64, 1), farOff)
  const { log, forks } = forkLog()
  const writer = await startWriter(t, { ...place, log })
  await until(() => writer.drain().then(() => forks.length > 0), { limitMs: 30_000 })
  t.is(await latestSize(place), null)
  t.deepEqual(Buffer.from(await place.recordings.get(key)), Buffer.alloc(64, 1))
  t.true((await place.bus.lag()).every(({ committed }) => committed === 0))
})

test('a leaf said to stand elsewhere, or a checkpoint that our key did not sign, stops the writer', async (t) => {
  const shared = { recordings: await newStore(t), logKey: newSigner() }
  const first = { ...shared, bus: await busWith(t, recordsTo(3)) }
  await untilSize(await startWriter(t, first), first, 3)
  const stops = async (place: typeof first, size = 3) => {
    const { log, forks } = forkLog()
    const writer = await startWriter(t, { ...place, log })
    // Tried again for ever, and said each time.
    await until(() => forks.length >= 2, { limitMs: 30_000 })
    t.true((await place.bus.lag()).every(({ committed }) => committed === 0))
    t.is(await latestSize(place), size)
    await writer.close()
  }
  await shared.recordings.put(keysOf(shared).leafIndex(recordOf(7).key), Buffer.from('1\n'), farOff)
  await stops({ ...shared, bus: await busWith(t, [recordOf(7)]) })
  await shared.recordings.put(keysOf(shared).leafIndex(recordOf(8).key), Buffer.from('44\n'), farOff)
  await stops({ ...shared, bus: await busWith(t, [recordOf(8)]) })
  const forged = Buffer.from(signCheckpoint(4, Buffer.alloc(32), newSigner()))
  await shared.recordings.put(keysOf(shared).checkpoint(4), forged, farOff)
  await stops({ ...shared, bus: await busWith(t, [recordOf(9)]) }, 4)
})

test('two installations that share a store have a log each', async (t) => {
  const recordings = await newStore(t)
  const places = await Promise.all(
    [3, 5].map(async (count) => ({ bus: await busWith(t, recordsTo(count)), recordings, logKey: newSigner() })),
  )
  for (const [at, place] of places.entries()) {
    await untilSize(await startWriter(t, place), place, [3, 5][at]!)
    t.deepEqual(await wrongInLog(place, entriesOf(recordsTo(5))), [])
  }
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
