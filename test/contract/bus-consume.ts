import type { TestFn } from 'ava'
import {
  aborted,
  keyOfEach,
  type MakeBusPlace,
  numbers,
  opened,
  placesOf,
  record,
  textOf,
  until,
  watch,
} from './bus-place.ts'

const topic = 'session-events' as const

const delivering = (test: TestFn, make: MakeBusPlace): void => {
  test('two groups each get everything, what was there before and what comes', async (t) => {
    const bus = await opened(t, make)
    const before = await bus.produce(numbers(20).map((n) => record(`k${n}`, `${n}`)))
    const [one, two] = [await watch(bus, 'one', {}), await watch(bus, 'two', {})]
    await until(() => one.records.length >= 20)
    const after = await bus.produce(numbers(20).map((n) => record(`k${n}`, `${n}`)))
    await until(() => one.records.length >= 40 && two.records.length >= 40, '40 records in both groups')
    t.deepEqual(placesOf(one.records), placesOf([...before, ...after]))
    t.deepEqual(placesOf(two.records), placesOf([...before, ...after]))
  })

  test('a member gets only the topics it asked for', async (t) => {
    const bus = await opened(t, make)
    const seen = await watch(bus, 'g', { topics: ['alerts', 'log-entries'] })
    await bus.produce([record('k', 'no'), record('k', 'yes', 'alerts'), record('k', 'yes', 'log-entries')])
    await until(() => seen.records.length >= 2)
    t.deepEqual(seen.records.map((one) => one.topic).sort(), ['alerts', 'log-entries'])
  })

  test('nothing is called before subscribe has resolved, and onAssigned comes before the first run', async (t) => {
    const bus = await opened(t, make)
    await bus.produce(numbers(20).map((n) => record(`k${n}`, 'x')))
    const calls: string[] = []
    const subscribing = bus.subscribe(
      { group: 'g', topics: [topic] },
      {
        onAssigned: async (partitions) => void calls.push(`assigned ${partitions.length}`),
        onRecords: async () => void calls.push('records'),
      },
    )
    await subscribing.then(() => calls.push('subscribed'))
    await until(() => calls.includes('records'))
    t.deepEqual(calls.slice(0, 3), ['subscribed', `assigned ${bus.partitions(topic)}`, 'records'])
  })

  test('runs of a partition come one at a time and within their size; a larger record comes alone', async (t) => {
    const bus = await opened(t, make)
    const sizes = [100, 900, 5_000, 400, 400, 3_000, 10]
    await bus.produce(sizes.map((bytes) => ({ topic, key: 'k', value: Buffer.alloc(bytes) })))
    const runs: number[][] = []
    let running = 0
    const onRecords = async ({ records }: { records: { value: Uint8Array }[] }) => {
      t.is(++running, 1)
      runs.push(records.map(({ value }) => value.length))
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
    }
    await bus.subscribe({ group: 'g', topics: [topic], maxRunBytes: 2_000 }, { onRecords })
    await until(() => runs.flat().length >= sizes.length)
    t.deepEqual(runs.flat(), sizes)
    for (const run of runs) t.true(run.length === 1 || run.reduce((sum, bytes) => sum + bytes, 0) <= 2_000, `${run}`)
  })

  test('a run that is rejected comes again, the same, and its error is told each time', async (t) => {
    const bus = await opened(t, make)
    await bus.produce([record('k', 'a'), record('k', 'b')])
    const runs: string[][] = []
    const errors: unknown[] = []
    await bus.subscribe(
      {
        group: 'g',
        topics: [topic],
        onError: (error, run, attempt) => errors.push([error, run.records.length, attempt]),
      },
      {
        async onRecords({ records }) {
          runs.push(records.map(textOf))
          if (runs.length <= 2) throw new Error(`failure ${runs.length}`)
        },
      },
    )
    await until(() => runs.length >= 3)
    await bus.produce([record('k', 'c')])
    await until(() => runs.length >= 4)
    t.deepEqual(runs, [['a', 'b'], ['a', 'b'], ['a', 'b'], ['c']])
    t.deepEqual(errors, [
      [new Error('failure 1'), 2, 1],
      [new Error('failure 2'), 2, 2],
    ])
  })

  test('a member that does not return holds up its own partition only', async (t) => {
    const bus = await opened(t, make)
    const keys = keyOfEach(bus)
    const release = Promise.withResolvers<void>()
    const seen = await watch(bus, 'g', {
      act: ({ partition }) => (partition === 0 ? release.promise : Promise.resolve()),
    })
    for (const n of numbers(5)) await bus.produce(keys.map((key) => record(key, `${n}`)))
    await until(() => seen.records.filter(({ partition }) => partition !== 0).length >= 5 * (keys.length - 1))
    t.is(seen.runs.filter(({ partition }) => partition === 0).length, 1)
    release.resolve()
    await until(() => seen.records.filter(({ partition }) => partition === 0).length >= 5)
    t.deepEqual(seen.records.filter(({ partition }) => partition === 0).map(textOf), ['0', '1', '2', '3', '4'])
  })

  test('close tells the run by its signal, waits for it, and nothing is delivered afterwards', async (t) => {
    const bus = await opened(t, make)
    await bus.produce([record('k', '0')])
    const calls: string[] = []
    const seen = await watch(bus, 'g', {
      act: async (_run, { signal, heartbeat }) => {
        await heartbeat()
        await aborted(signal)
        await new Promise((resolve) => setTimeout(resolve, 30))
        calls.push('run ended')
      },
      onRevoked: async (partitions) => void calls.push(`revoked ${partitions.length}`),
    })
    await until(() => seen.runs.length === 1)
    await seen.subscription.close()
    calls.push('closed')
    t.deepEqual(calls, ['run ended', `revoked ${bus.partitions(topic)}`, 'closed'])
    const other = await watch(bus, 'other', {})
    await bus.produce([record('k', '1')])
    await until(() => other.records.length >= 2)
    t.is(seen.runs.length, 1)
  })
}

const committing = (test: TestFn, make: MakeBusPlace): void => {
  test('a group goes on from what it has committed, after a reopen; commit never goes back', async (t) => {
    const place = await make(t)
    const first = await place.open()
    const [key, otherKey] = keyOfEach(first)
    const [other, placed] = await first.produce(
      [otherKey!, ...Array(20).fill(key)].map((one, n) => record(one, `${n - 1}`)),
    )
    const seen = await watch(first, 'g', {})
    await until(() => seen.records.length >= 21)
    await seen.subscription.commit(placed!, 7)
    await seen.subscription.commit(placed!, 12)
    await Promise.all([seen.subscription.commit(placed!, 3), seen.subscription.commit(placed!, 0)])
    await seen.subscription.commit(other!, 1)
    const lagOf = async () =>
      (await (reopened ?? first).lag()).find(({ group, partition }) => group === 'g' && partition === placed!.partition)
    let reopened: typeof first | undefined
    t.like(await lagOf(), { topic, committed: 12, end: 20 })
    await first.close()
    reopened = await place.open()
    t.teardown(() => reopened?.close())
    t.like(await lagOf(), { topic, committed: 12, end: 20 })
    const again = await watch(reopened, 'g', {})
    await until(() => again.records.length >= 8)
    t.deepEqual(again.records.map(textOf), ['12', '13', '14', '15', '16', '17', '18', '19'])
  })

  test('what is delivered is not committed by that: a new member of the group gets it again', async (t) => {
    const bus = await opened(t, make)
    const placed = await bus.produce(numbers(10).map((n) => record(`k${n}`, 'x')))
    const first = await watch(bus, 'g', {})
    await until(() => first.records.length >= 10)
    await first.subscription.close()
    const second = await watch(bus, 'g', {})
    await until(() => second.records.length >= 10)
    t.deepEqual(placesOf(second.records), placesOf(placed))
  })

  test('a commit beyond the end, or of a partition that is not held, is refused', async (t) => {
    const bus = await opened(t, make)
    const [placed] = await bus.produce([record('k', 'x')])
    const seen = await watch(bus, 'g', {})
    await until(() => seen.records.length >= 1)
    const { commit, close } = seen.subscription
    for (const bad of [2, -1, 0.5, Number.NaN])
      await t.throwsAsync(commit(placed!, bad), { code: 'BTZ_REQUEST_INVALID' })
    await t.throwsAsync(commit({ topic: 'alerts', partition: 0 }, 0), { code: 'BTZ_BUS_NOT_ASSIGNED' })
    await commit(placed!, 1)
    await close()
    await t.throwsAsync(commit(placed!, 1), { code: 'BTZ_BUS_NOT_ASSIGNED' })
  })
}

export const consumeContract = (test: TestFn, make: MakeBusPlace): void => {
  for (const part of [delivering, committing]) part(test, make)
}
