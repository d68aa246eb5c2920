import type { ExecutionContext, TestFn } from 'ava'
import type { RecordingStore } from '#services/recordings/recording-store.ts'

/**
 * What every recording store does. `place` is one empty store; `open` opens it, again after a close, or a second time
 * beside the first as another process would.
 */
export type RecordingPlace = { open(): Promise<RecordingStore> }
export type MakeRecordingPlace = (t: ExecutionContext<unknown>) => Promise<RecordingPlace>

const until = (iso: string) => ({ retainUntil: new Date(iso) })
const year = until('2031-01-01T00:00:00Z')
const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const key = (name: string) => `evidence/v1/2026-01-02/${name}`

const opened = async (t: ExecutionContext<unknown>, make: MakeRecordingPlace): Promise<RecordingStore> => {
  const store = await (await make(t)).open()
  t.teardown(() => store.close())
  return store
}

const writingContract = (test: TestFn, make: MakeRecordingPlace): void => {
  test('what was put is read back, with its size and retention', async (t) => {
    const store = await opened(t, make)
    const put = await store.put(key('s1/000000000000'), bytesOf('evidence'), year)
    t.like(put, { key: key('s1/000000000000'), sizeBytes: 8, retainUntil: year.retainUntil })
    t.is(textOf(await store.get(key('s1/000000000000'))), 'evidence')
    t.like(await store.head(key('s1/000000000000')), { sizeBytes: 8, retainUntil: year.retainUntil })
  })

  test('an empty object is an object', async (t) => {
    const store = await opened(t, make)
    await store.put(key('empty'), new Uint8Array(), year)
    t.is((await store.get(key('empty'))).length, 0)
    t.is((await store.head(key('empty')))?.sizeBytes, 0)
  })

  test('a second put of a key is refused and changes nothing', async (t) => {
    const store = await opened(t, make)
    await store.put(key('a'), bytesOf('first'), year)
    await t.throwsAsync(store.put(key('a'), bytesOf('second'), until('2040-01-01T00:00:00Z')), {
      code: 'BTZ_RECORDING_EXISTS',
    })
    t.is(textOf(await store.get(key('a'))), 'first')
    t.deepEqual((await store.head(key('a')))?.retainUntil, year.retainUntil)
  })

  test('of 24 racers on one key exactly one wins, and its bytes are the ones that stand', async (t) => {
    const place = await make(t)
    const stores = await Promise.all([place.open(), place.open(), place.open()])
    const racers = Array.from({ length: 24 }, (_, n) => `racer ${n} `.repeat(1000 + n))
    const results = await Promise.allSettled(
      racers.map((text, n) => stores[n % 3]!.put(key('race'), bytesOf(text), year)),
    )
    const winners = results.flatMap((result, n) => (result.status === 'fulfilled' ? [n] : []))
    const losers = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    t.is(winners.length, 1)
    t.deepEqual([...new Set(losers)], ['BTZ_RECORDING_EXISTS'])
    t.is(textOf(await stores[0]!.get(key('race'))), racers[winners[0]!]!)
    for (const store of stores) await store.close()
  })

  test('after a reopen everything stands and the refusals too', async (t) => {
    const place = await make(t)
    const first = await place.open()
    await first.put(key('a'), bytesOf('kept'), year)
    await first.close()
    const second = await place.open()
    t.is(textOf(await second.get(key('a'))), 'kept')
    t.deepEqual((await second.head(key('a')))?.retainUntil, year.retainUntil)
    await t.throwsAsync(second.put(key('a'), bytesOf('other'), year), { code: 'BTZ_RECORDING_EXISTS' })
    await second.close()
  })
}

const badKeys = [
  '',
  'evidence',
  'evidence/v1/',
  'evidence/v1//a',
  'evidence/v1/a/',
  '/evidence/v1/a',
  'evidence/v1/../../keys/master.key',
  'evidence/v1/./a',
  'evidence/v2/a',
  'keys/master.key',
  'evidence/v1/a b',
  'evidence/v1/a\\b',
  'evidence/v1/a\0b',
  'evidence/v1/é',
  'evidence/v1/a@retain-0001924992000000',
  `evidence/v1/${'x'.repeat(201)}`,
  `evidence/v1/${'abcdefghi/'.repeat(90)}a`,
]

const refusalContract = (test: TestFn, make: MakeRecordingPlace): void => {
  test('keys outside the allowed form are refused, for writing and for reading', async (t) => {
    const store = await opened(t, make)
    for (const bad of badKeys) {
      const expected = { code: 'BTZ_RECORDING_KEY_INVALID' }
      await t.throwsAsync(store.put(bad, bytesOf('x'), year), expected, bad)
      await t.throwsAsync(store.get(bad), expected, bad)
      await t.throwsAsync(store.head(bad), expected, bad)
      await t.throwsAsync(store.extendRetention(bad, year.retainUntil), expected, bad)
    }
    t.deepEqual(await store.list('', { limit: 10 }), [])
  })

  test('the longest allowed segment and key are taken', async (t) => {
    const store = await opened(t, make)
    const longSegment = key('x'.repeat(200))
    const longKey = `evidence/v1/${'abcdefghi/'.repeat(88)}`.padEnd(900, 'z')
    for (const long of [longSegment, longKey]) {
      await store.put(long, bytesOf(long), year)
      t.is(textOf(await store.get(long)), long)
    }
  })

  test('what does not exist is null for head and an error for get and extendRetention', async (t) => {
    const store = await opened(t, make)
    await store.put(key('folder/a'), bytesOf('x'), year)
    for (const missing of [key('nothing'), key('folder')]) {
      t.is(await store.head(missing), null)
      await t.throwsAsync(store.get(missing), { code: 'BTZ_RECORDING_NOT_FOUND' })
      await t.throwsAsync(store.extendRetention(missing, year.retainUntil), { code: 'BTZ_RECORDING_NOT_FOUND' })
    }
  })

  test('a retention that is no date is refused before anything is written', async (t) => {
    const store = await opened(t, make)
    await t.throwsAsync(store.put(key('a'), bytesOf('x'), { retainUntil: new Date(Number.NaN) }), {
      instanceOf: RangeError,
    })
    t.is(await store.head(key('a')), null)
  })
}

const retentionContract = (test: TestFn, make: MakeRecordingPlace): void => {
  test('retention grows, never shrinks, and survives a reopen', async (t) => {
    const place = await make(t)
    const first = await place.open()
    await first.put(key('a'), bytesOf('x'), until('2031-01-01T00:00:00Z'))
    await first.extendRetention(key('a'), new Date('2035-06-01T00:00:00Z'))
    await first.extendRetention(key('a'), new Date('2033-01-01T00:00:00Z'))
    await first.extendRetention(key('a'), new Date('2035-06-01T00:00:00Z'))
    t.deepEqual((await first.head(key('a')))?.retainUntil, new Date('2035-06-01T00:00:00Z'))
    await first.close()
    const second = await place.open()
    t.deepEqual((await second.list(key('a'), { limit: 1 }))[0]?.retainUntil, new Date('2035-06-01T00:00:00Z'))
    await second.close()
  })

  test('of extensions at the same time the latest date stands', async (t) => {
    const store = await opened(t, make)
    await store.put(key('a'), bytesOf('x'), year)
    const dates = Array.from({ length: 12 }, (_, n) => new Date(Date.UTC(2032, (n * 5) % 12, 1)))
    await Promise.all(dates.map((date) => store.extendRetention(key('a'), date)))
    t.deepEqual((await store.head(key('a')))?.retainUntil, new Date('2032-12-01T00:00:00Z'))
  })
}

const readingContract = (test: TestFn, make: MakeRecordingPlace): void => {
  test('a range gives those bytes, from the start or from the end, cut at the end of the object', async (t) => {
    const store = await opened(t, make)
    await store.put(key('a'), bytesOf('0123456789'), year)
    const range = async (start: number, length: number) => textOf(await store.get(key('a'), { start, length }))
    t.is(await range(0, 3), '012')
    t.is(await range(4, 2), '45')
    t.is(await range(8, 100), '89')
    t.is(await range(-4, 4), '6789')
    t.is(await range(-4, 2), '67')
    t.is(await range(-100, 3), '012')
    t.is(await range(10, 5), '')
    t.is(await range(11, 5), '')
  })

  test('list is in key order across folders, and pages join without loss or repetition', async (t) => {
    const store = await opened(t, make)
    // `-` and `.` sort before `/`, digits and letters after it: folder order is not key order.
    const names = ['b', 'a/z', 'a-b', 'a.txt', 'a/0', 'a0', 'a/b/c', 'a/b-c', 'Z/9', 'a/b0/1', '_x']
    const keys = names.map(key)
    for (const name of keys) await store.put(name, bytesOf(name), year)
    const expected = [...keys].sort()
    for (const limit of [1, 2, 3, 50]) {
      const seen: string[] = []
      for (let page = await store.list(key(''), { limit }); page.length > 0; ) {
        t.true(page.length <= limit)
        seen.push(...page.map((object) => object.key))
        page = await store.list(key(''), { limit, after: seen.at(-1)! })
      }
      t.deepEqual(seen, expected, `limit ${limit}`)
    }
  })

  test('evidence of all formats is one list, and what stands beside it is not in it', async (t) => {
    const store = await opened(t, make)
    const keys = ['evidence/v0/a/1', 'evidence/v0/b', 'evidence/v1/a/1', 'evidence/v1/c']
    for (const name of [...keys, 'log/v1/x'].toReversed()) await store.put(name, bytesOf(name), year)
    const listed = async (prefix: string, limit: number, after = '') =>
      (await store.list(prefix, { limit, after })).map((object) => object.key)
    for (const prefix of ['', 'evidence', 'evidence/', 'evidence/v']) {
      t.deepEqual(await listed(prefix, 10), keys, prefix)
      t.deepEqual(await listed(prefix, 3), keys.slice(0, 3), prefix)
      for (const [at, after] of keys.entries()) t.deepEqual(await listed(prefix, 2, after), keys.slice(at + 1, at + 3))
    }
    t.deepEqual(await listed('evidence/v1/', 10), keys.slice(2))
    t.deepEqual(await listed('log/', 10), ['log/v1/x'])
  })

  test('list takes a prefix that ends inside a name, and an `after` that was never put', async (t) => {
    const store = await opened(t, make)
    for (const name of ['s1/000000000000', 's1/000000000007', 's10/000000000000', 's2/000000000000']) {
      await store.put(key(name), bytesOf('x'), year)
    }
    const listed = async (prefix: string, after?: string) =>
      (await store.list(prefix, { limit: 10, ...(after !== undefined && { after }) })).map((object) => object.key)
    t.deepEqual(await listed(key('s1')), ['s1/000000000000', 's1/000000000007', 's10/000000000000'].map(key))
    t.deepEqual(await listed(key('s1/')), ['s1/000000000000', 's1/000000000007'].map(key))
    t.deepEqual(await listed(key('s1/'), key('s1/000000000003')), [key('s1/000000000007')])
    t.deepEqual(
      await listed(key(''), key('s1/')),
      ['s1/000000000000', 's1/000000000007', 's10/000000000000', 's2/000000000000'].map(key),
    )
    t.deepEqual(await listed(key(''), key('s1:')), ['s2/000000000000'].map(key))
    t.deepEqual(await listed('evidence/v1/../'), [])
    t.deepEqual(await listed('nothing/'), [])
    t.is((await listed('')).length, 4)
  })

  test('the store says in words what it promises', async (t) => {
    t.true((await opened(t, make)).promise().length > 40)
  })
}

export const recordingStoreContract = (test: TestFn, make: MakeRecordingPlace): void => {
  for (const part of [writingContract, refusalContract, retentionContract, readingContract]) part(test, make)
}
