import test from 'ava'
import type { NewRecord } from '#services/bus/bus.ts'
import { createPartitionQueue } from '#services/bus/kafka-partition-queue.ts'
import { numbers, record, textOf } from '#test/contract/bus-place.ts'

/** Sends that end when told, one after the other. */
const place = () => {
  const sends: { batch: NewRecord[]; settle: PromiseWithResolvers<number> }[] = []
  const queue = createPartitionQueue((batch) => {
    const settle = Promise.withResolvers<number>()
    sends.push({ batch, settle })
    return settle.promise
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { sends, queue, turn }
}
const texts = (batch: NewRecord[]): string[] => batch.map(textOf)

test('calls of one turn share a send, and what comes while it is under way shares the next', async (t) => {
  const { sends, queue, turn } = place()
  const first = ['a', 'b'].map((text) => queue.append([record('k', text)]))
  await turn()
  const second = ['c', 'd'].map((text) => queue.append([record('k', text), record('k', `${text}2`)]))
  await turn()
  t.deepEqual(
    sends.map(({ batch }) => texts(batch)),
    [['a', 'b']],
  )
  sends[0]!.settle.resolve(7)
  await turn()
  t.deepEqual(texts(sends[1]!.batch), ['c', 'c2', 'd', 'd2'])
  sends[1]!.settle.resolve(100)
  t.deepEqual(await Promise.all([...first, ...second]), [[7], [8], [100, 101], [102, 103]])
})

test('a failed send fails what waits behind it, so that nothing overtakes; what comes later is sent', async (t) => {
  const { sends, queue, turn } = place()
  const first = queue.append([record('k', 'a')])
  await turn()
  const second = queue.append([record('k', 'b')])
  sends[0]!.settle.reject(new Error('away'))
  await t.throwsAsync(first, { message: 'away' })
  await t.throwsAsync(second, { message: 'away' })
  const third = queue.append([record('k', 'c')])
  await turn()
  t.deepEqual(
    sends.map(({ batch }) => texts(batch)),
    [['a'], ['c']],
  )
  sends[1]!.settle.resolve(0)
  t.deepEqual(await third, [0])
})

test('a send has at most 1 MiB or 10,000 records; a larger call is several, with the offsets that each was given', async (t) => {
  const { sends, queue, turn } = place()
  const large = queue.append(numbers(5).map(() => ({ topic: 'alerts', key: 'k', value: Buffer.alloc(400 * 1024) })))
  for (const base of [0, 10, 20]) {
    await turn()
    sends.at(-1)!.settle.resolve(base)
  }
  t.deepEqual(await large, [0, 1, 10, 11, 20])
  const many = queue.append(numbers(10_001).map((n) => record('k', `${n}`)))
  await turn()
  t.is(sends[3]!.batch.length, 10_000)
  sends[3]!.settle.resolve(30)
  await turn()
  sends[4]!.settle.resolve(99_999)
  t.is((await many).at(-1), 99_999)
})
