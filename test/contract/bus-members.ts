import type { TestFn } from 'ava'
import type { Consumer, TopicPartition } from '#services/bus/bus.ts'
import {
  aborted,
  keyOfEach,
  type MakeBusPlace,
  numbers,
  opened,
  record,
  type Seen,
  textOf,
  until,
  watch,
} from './bus-place.ts'

const topic = 'session-events' as const

/** Keeps which partitions a member holds, by what it is told. */
const holder = (): { held: Set<number>; consumer: Pick<Consumer, 'onAssigned' | 'onRevoked'> } => {
  const held = new Set<number>()
  const each = (act: (partition: number) => void) => async (partitions: TopicPartition[]) => {
    for (const { partition } of partitions) act(partition)
  }
  return {
    held,
    consumer: { onAssigned: each((one) => held.add(one)), onRevoked: each((one) => held.delete(one)) },
  }
}

const partitionsOf = ({ records }: Seen): number[] => records.map(({ partition }) => partition).sort()

export const membersContract = (test: TestFn, make: MakeBusPlace): void => {
  test('two members of a group share the partitions evenly, and one gets them all when the other leaves', async (t) => {
    const bus = await opened(t, make)
    const keys = keyOfEach(bus)
    const [one, two] = [holder(), holder()]
    const first = await watch(bus, 'g', one.consumer)
    await until(() => one.held.size === keys.length, 'all partitions at the only member')
    const second = await watch(bus, 'g', two.consumer)
    await until(() => one.held.size + two.held.size === keys.length && two.held.size > 0, 'a split')
    t.true(Math.abs(one.held.size - two.held.size) <= 1)
    t.deepEqual([...one.held, ...two.held].sort(), numbers(keys.length))

    await bus.produce(keys.map((key) => record(key, 'shared')))
    await until(() => first.records.length + second.records.length >= keys.length)
    t.deepEqual(partitionsOf(first), [...one.held].sort())
    t.deepEqual(partitionsOf(second), [...two.held].sort())

    await first.subscription.close()
    await until(() => two.held.size === keys.length, 'all partitions at the member that stayed')
    t.is(one.held.size, 0)
    await bus.produce(keys.map((key) => record(key, 'rest')))
    await until(() => second.records.filter((one) => textOf(one) === 'rest').length === keys.length)
    t.false(first.records.some((one) => textOf(one) === 'rest'))
  })

  test('who takes over a partition starts at its committed offset, once the former member has let go', async (t) => {
    const bus = await opened(t, make)
    const keys = keyOfEach(bus)
    await bus.produce(keys.flatMap((key) => numbers(6).map((n) => record(key, `${n}`))))
    const events: string[] = []
    const first = await watch(bus, 'g', {
      act: async ({ partition, records }, { signal }) => {
        await first.subscription.commit({ topic, partition }, records[0]!.offset + 4)
        await aborted(signal)
        events.push(`${partition} let go`)
      },
      onRevoked: async (partitions) => void events.push(...partitions.map(({ partition }) => `${partition} revoked`)),
    })
    await until(async () => (await bus.lag()).filter(({ committed }) => committed === 4).length === keys.length)
    const second = await watch(bus, 'g', {
      act: async ({ partition }) => void events.push(`${partition} taken`),
    })
    await until(() => second.records.length >= 2)
    const taken = second.runs[0]!.partition
    t.deepEqual(second.runs[0]!.records.map(textOf), ['4', '5'])
    t.deepEqual(
      events.filter((event) => event.startsWith(`${taken} `)),
      [`${taken} let go`, `${taken} revoked`, `${taken} taken`],
    )
    await t.throwsAsync(first.subscription.commit({ topic, partition: taken }, 6), { code: 'BTZ_BUS_NOT_ASSIGNED' })
  })

  test('while members come and go, every record reaches the group', async (t) => {
    const bus = await opened(t, make)
    const keys = keyOfEach(bus)
    const done = new Set<string>()
    const join = async () => {
      const seen = await watch(bus, 'g', {
        act: async ({ partition, records }, { signal }) => {
          if (signal.aborted) return
          await seen.subscription.commit({ topic, partition }, records.at(-1)!.offset + 1).catch((error) => {
            if (error.code !== 'BTZ_BUS_NOT_ASSIGNED') t.fail(error.message)
          })
          for (const one of records) done.add(textOf(one))
        },
      })
      return seen
    }
    const stable = await join()
    for (const round of numbers(8)) {
      const passing = await join()
      await Promise.all(keys.map((key) => bus.produce(numbers(10).map((n) => record(key, `${round}/${key}/${n}`)))))
      await passing.subscription.close()
    }
    await until(() => done.size === 8 * 10 * keys.length, 'all records at the group')
    t.true(stable.records.length > 0)
  })

  test('onAssigned that fails is called again before anything is delivered', async (t) => {
    const bus = await opened(t, make)
    await bus.produce([record('k', 'x')])
    const calls: string[] = []
    const seen = await watch(bus, 'g', {
      onAssigned: async () => {
        calls.push('assigned')
        if (calls.length < 3) throw new Error('not yet')
      },
      act: async () => void calls.push('records'),
    })
    await until(() => seen.records.length >= 1)
    t.deepEqual(calls, ['assigned', 'assigned', 'assigned', 'records'])
  })
}
