import type { TestFn } from 'ava'
import { partitionOfKey } from '#services/bus/key-partition.ts'
import { keyOfEach, type MakeBusPlace, numbers, opened, record, textOf, until, watch } from './bus-place.ts'

const topic = 'session-events' as const

export const followContract = (test: TestFn, make: MakeBusPlace): void => {
  test('who follows a partition gets what is there from an offset on, then what comes, in order, and commits nothing', async (t) => {
    const bus = await opened(t, make)
    const [key, other] = keyOfEach(bus) as [string, string]
    const at = { topic, partition: partitionOfKey(key, bus.partitions(topic)) }
    await bus.produce(numbers(20).map((n) => record(key, `${n}`)))
    const seen: string[] = []
    const following = await bus.follow(at, 5, async (records) => void seen.push(...records.map(textOf)))
    await until(() => seen.length >= 15, '15 records')
    for (const n of numbers(5)) await bus.produce([record(other, 'other'), record(key, `more ${n}`)])
    await until(() => seen.length >= 20, '20 records')
    t.deepEqual(seen, [...numbers(20).slice(5).map(String), ...numbers(5).map((n) => `more ${n}`)])
    t.deepEqual(await bus.lag(), [])
    await following.close()
    await bus.produce([record(key, 'later')])
    const again: string[] = []
    const anew = await bus.follow(at, 25, async (records) => void again.push(...records.map(textOf)))
    await until(() => again.length >= 1)
    t.deepEqual(again, ['later'])
    t.is(seen.length, 20)
    await anew.close()
  })

  test('a call of who follows that rejects comes again, and a partition is followed once at a time', async (t) => {
    const bus = await opened(t, make)
    const [key] = keyOfEach(bus) as [string]
    const at = { topic, partition: partitionOfKey(key, bus.partitions(topic)) }
    await bus.produce([record(key, 'a'), record(key, 'b')])
    const calls: string[][] = []
    const following = await bus.follow(at, 0, async (records) => {
      calls.push(records.map(textOf))
      if (calls.length < 3) throw new Error('not yet')
    })
    await t.throwsAsync(
      bus.follow(at, 0, async () => {}),
      { code: 'BTZ_REQUEST_INVALID' },
    )
    await until(() => calls.length >= 3)
    t.deepEqual(calls[2], calls[0])
    await following.close()
  })

  test('what a group has committed of a partition is told, and null where it has committed nothing', async (t) => {
    const bus = await opened(t, make)
    const [key] = keyOfEach(bus) as [string]
    const at = { topic, partition: partitionOfKey(key, bus.partitions(topic)) }
    t.is(await bus.committed('g', at), null)
    await bus.produce(numbers(6).map((n) => record(key, `${n}`)))
    const seen = await watch(bus, 'g', {})
    await until(() => seen.records.length >= 6)
    await seen.subscription.commit(at, 4)
    t.is(await bus.committed('g', at), 4)
    t.is(await bus.committed('another', at), null)
  })
}
