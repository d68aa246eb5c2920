import test from 'ava'
import { createAppendQueue } from '#hooks/agent/spool/append-queue.ts'
import { entry } from './open.ts'

const KiB = 1024

/** A queue whose entries say who they are when they are taken. */
const queueOf = (asked: { lane: string; name: string; hintBytes: number }[]) => {
  const order: string[] = []
  const queue = createAppendQueue()
  for (const { lane, name, hintBytes } of asked) {
    const encode = () => {
      order.push(name)
      return entry(order.length, name)
    }
    void queue.add({ lane, hintBytes, encode })
  }
  return { queue, order }
}
const flood = (lane: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({ lane, name: `${lane}${index}`, hintBytes: 256 * KiB }))

test('a few bytes go before a flood that came first, and each lane keeps its order', (t) => {
  const typed = ['x', 'y', 'z'].map((name) => ({ lane: 'typed', name, hintBytes: 300 }))
  const { queue, order } = queueOf([...flood('a', 8), ...flood('b', 8), ...typed])
  queue.take(0, null, 1024 * KiB)
  t.deepEqual(order, ['x', 'y', 'z', 'a0', 'b0', 'a1', 'b1'])
})

test('a flood goes on while others always have a few bytes', (t) => {
  const small = Array.from({ length: 1_000 }, (_, index) => ({
    lane: `s${index % 10}`,
    name: `s${index}`,
    hintBytes: 32 * KiB,
  }))
  const { queue, order } = queueOf([...flood('a', 4), ...small])
  for (let groups = 0; groups < 4; groups++) queue.take(0, null, 1024 * KiB)
  t.deepEqual(
    order.filter((name) => name.startsWith('a')),
    ['a0', 'a1', 'a2', 'a3'],
  )
})

test('what one group takes is bounded by the bytes before they are compressed, and is never nothing', (t) => {
  const { queue, order } = queueOf(flood('a', 40))
  queue.take(0, null, 2048 * KiB)
  t.is(order.length, 8)
  queue.take(0, null, 1)
  t.is(order.length, 9)
  t.is(queue.bytes, 31 * 256 * KiB)
})
