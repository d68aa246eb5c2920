import test from 'ava'
import { createGate } from '#services/recordings/s3-gate.ts'

/** Calls that end when the test says so. */
const createCalls = () => {
  const started: number[] = []
  const ends = new Map<number, (failure?: Error) => void>()
  const call = (n: number) => () => {
    started.push(n)
    return new Promise<number>((resolve, reject) => {
      ends.set(n, (failure) => (failure ? reject(failure) : resolve(n)))
    })
  }
  return { started, call, end: (n: number, failure?: Error) => ends.get(n)!(failure) }
}

test('no more than the limit are under way, the rest follow in their order, and a failure frees its place too', async (t) => {
  const { started, call, end } = createCalls()
  const gate = createGate(2, 10)
  const results = [0, 1, 2, 3, 4].map((n) => gate(call(n)))
  t.deepEqual(started, [0, 1])
  end(1, new Error('failed'))
  await t.throwsAsync(results[1]!, { message: 'failed' })
  t.deepEqual(started, [0, 1, 2])
  end(0)
  t.is(await results[0], 0)
  t.deepEqual(started, [0, 1, 2, 3])
  for (const n of [2, 3]) end(n)
  await Promise.all([results[2], results[3]])
  t.deepEqual(started, [0, 1, 2, 3, 4])
  end(4)
  t.is(await results[4], 4)
})

test('beyond the number that may wait a call is refused, and later ones are taken again', async (t) => {
  const { started, call, end } = createCalls()
  const gate = createGate(1, 1)
  const first = gate(call(0))
  const second = gate(call(1))
  await t.throwsAsync(gate(call(2)), { code: 'BTZ_UNAVAILABLE' })
  end(0)
  await first
  const third = gate(call(3))
  end(1)
  await second
  t.deepEqual(started, [0, 1, 3])
  end(3)
  await third
})
