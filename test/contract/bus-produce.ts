import { createHash } from 'node:crypto'
import type { TestFn } from 'ava'
import type { NewRecord, Topic } from '#services/bus/bus.ts'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import { keyOfEach, type MakeBusPlace, numbers, opened, placesOf, record, textOf, until, watch } from './bus-place.ts'

const placing = (test: TestFn, make: MakeBusPlace): void => {
  test('a record is read back at its place with key, value, headers and the time it was taken', async (t) => {
    const bus = await opened(t, make)
    const value = Buffer.from([0, 255, 10, 13, 254])
    const startedAtMs = Date.now()
    const [placed] = await bus.produce([{ topic: 'alerts', key: 'ä/😀', value, headers: { reason: 'ü "x"', '': '' } }])
    const [read] = await bus.read(placed!, placed!.offset, 10)
    t.like(read, { ...placed!, key: 'ä/😀', headers: { reason: 'ü "x"', '': '' } })
    t.deepEqual(Buffer.from(read!.value), value)
    t.true(read!.timestampMs >= startedAtMs - 1000 && read!.timestampMs <= Date.now() + 1000)
  })

  test('empty keys, empty values and absent headers are records too', async (t) => {
    const bus = await opened(t, make)
    const [placed] = await bus.produce([{ topic: 'alerts', key: '', value: new Uint8Array() }])
    const [read] = await bus.read(placed!, placed!.offset, 1)
    t.like(read, { key: '', headers: {} })
    t.is(read!.value.length, 0)
  })

  test('places come in the order of the records, and offsets of a partition count up from 0', async (t) => {
    const bus = await opened(t, make)
    const records = numbers(60).map((n) => record(`key-${n % 7}`, `${n}`))
    const placed = [...(await bus.produce(records.slice(0, 35))), ...(await bus.produce(records.slice(35)))]
    const nextOffsets = new Map<number, number>()
    for (const [n, { partition, offset }] of placed.entries()) {
      t.is(partition, partitionOfKey(records[n]!.key, bus.partitions('session-events')))
      t.is(offset, nextOffsets.get(partition) ?? 0)
      nextOffsets.set(partition, offset + 1)
      t.is(textOf((await bus.read(placed[n]!, offset, 1))[0]!), `${n}`)
    }
    t.deepEqual(await bus.produce([]), [])
  })

  test('the log of proofs has one partition, whatever the others have', async (t) => {
    const bus = await opened(t, make)
    t.is(bus.partitions('log-entries'), 1)
    t.true(bus.partitions('session-frames') > 1)
  })

  test('records of a key keep the order of the calls, over many keys and unawaited calls', async (t) => {
    const bus = await opened(t, make)
    const keys = numbers(40).map((n) => `session-${n}`)
    const calls = numbers(50).flatMap((n) =>
      keys.map((key) => bus.produce([record(key, `${n}a`), record(key, `${n}b`)])),
    )
    const seen = await watch(bus, 'order', {})
    await Promise.all(calls)
    await until(() => seen.records.length >= 4000, '4000 records')
    const expected = numbers(50).flatMap((n) => [`${n}a`, `${n}b`])
    for (const key of keys) t.deepEqual(seen.records.filter((one) => one.key === key).map(textOf), expected, key)
  })

  test('every record that was produced is delivered, with the place that produce gave and its own content', async (t) => {
    const bus = await opened(t, make)
    const seen = await watch(bus, 'all', {})
    const hash = (value: Uint8Array) => createHash('sha256').update(value).digest('hex')
    const expected = new Map<string, string>()
    const sizes = [0, 1, 100, 4_000, 65_536, bus.maxRecordBytes - 100]
    await Promise.all(
      numbers(120).map(async (n) => {
        const value = Buffer.alloc(sizes[n % sizes.length]!, `${n}.`)
        const [placed] = await bus.produce([{ topic: 'session-events', key: `k${n}`, value }])
        expected.set(`${placed!.partition}/${placed!.offset}`, hash(value))
      }),
    )
    await until(() => seen.records.length >= 120, '120 records')
    t.deepEqual(placesOf(seen.records), [...expected.keys()].sort())
    for (const { partition, offset, value } of seen.records)
      t.is(hash(value), expected.get(`${partition}/${offset}`) ?? 'never produced')
  })
}

const refusing = (test: TestFn, make: MakeBusPlace): void => {
  const refused = async (t: Parameters<MakeBusPlace>[0], bad: (maxBytes: number) => NewRecord, code: string) => {
    const bus = await opened(t, make)
    const keys = keyOfEach(bus)
    const call = [...keys.map((key) => record(key, 'before')), bad(bus.maxRecordBytes), record(keys[0]!, 'after')]
    await t.throwsAsync(bus.produce(call), { code })
    const placed = await bus.produce(keys.map((key) => record(key, 'next')))
    t.deepEqual(
      placed.map(({ offset }) => offset),
      keys.map(() => 0),
    )
    t.is(textOf((await bus.read(placed[0]!, 0, 10))[0]!), 'next')
  }

  test('an over-size record is refused, and nothing of its call is written', (t) =>
    refused(
      t,
      (maxBytes) => ({ topic: 'session-events', key: 'k', value: Buffer.alloc(maxBytes) }),
      'BTZ_BUS_RECORD_TOO_LARGE',
    ))

  test('headers count as size too', (t) =>
    refused(
      t,
      (maxBytes) => ({ ...record('k', 'v'), headers: { reason: 'x'.repeat(maxBytes) } }),
      'BTZ_BUS_RECORD_TOO_LARGE',
    ))

  test('an unknown topic is refused, and nothing of its call is written', (t) =>
    refused(t, () => record('k', 'v', '../elsewhere' as Topic), 'BTZ_BUS_UNKNOWN_TOPIC'))

  test('the largest record that is allowed goes through', async (t) => {
    const bus = await opened(t, make)
    const value = Buffer.alloc(bus.maxRecordBytes - 1, 7)
    const [placed] = await bus.produce([{ topic: 'session-frames', key: 'k', value }])
    t.deepEqual(Buffer.from((await bus.read(placed!, placed!.offset, 1))[0]!.value), value)
  })

  test('a closed bus takes nothing more, and closing twice is closing once', async (t) => {
    const bus = await opened(t, make)
    const { subscription } = await watch(bus, 'g', {})
    const produced = bus.produce([record('k', 'on its way')])
    await Promise.all([bus.close(), bus.close()])
    t.is((await produced).length, 1)
    const closed = { code: 'BTZ_BUS_CLOSED' }
    await t.throwsAsync(bus.produce([record('k', 'late')]), closed)
    await t.throwsAsync(watch(bus, 'g', {}), closed)
    await t.throwsAsync(subscription.commit({ topic: 'session-events', partition: 0 }, 0), closed)
    await t.throwsAsync(bus.read({ topic: 'session-events', partition: 0 }, 0, 1), closed)
  })
}

const reading = (test: TestFn, make: MakeBusPlace): void => {
  test('read gives up to its limit from an offset on, and nothing from the end on', async (t) => {
    const bus = await opened(t, make)
    const [placed] = await bus.produce(numbers(20).map((n) => record('k', `${n}`)))
    const read = async (offset: number, limit: number) => (await bus.read(placed!, offset, limit)).map(textOf)
    t.deepEqual(await read(0, 3), ['0', '1', '2'])
    t.deepEqual(await read(17, 100), ['17', '18', '19'])
    t.deepEqual(await read(20, 5), [])
    t.deepEqual(await read(5, 0), [])
    await t.throwsAsync(bus.read({ topic: 'session-events', partition: 1000 }, 0, 1), { code: 'BTZ_BUS_UNKNOWN_TOPIC' })
  })

  test('after a reopen the bus has the same id, and every record at its place; another bus has another id', async (t) => {
    const place = await make(t)
    const first = await place.open()
    const placed = await first.produce(numbers(30).map((n) => record(`k${n}`, `${n}`)))
    await first.close()
    const second = await place.open()
    t.is(second.id, first.id)
    for (const [n, at] of placed.entries()) t.is(textOf((await second.read(at, at.offset, 1))[0]!), `${n}`)
    const [next] = await second.produce([record('k0', 'next')])
    t.is(next!.offset, placed.filter(({ partition }) => partition === next!.partition).length)
    await second.close()
    t.not((await opened(t, make)).id, first.id)
  })
}

export const produceContract = (test: TestFn, make: MakeBusPlace): void => {
  for (const part of [placing, refusing, reading]) part(test, make)
}
