import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { createTurns } from '#hooks/sudo/turns.ts'
import { until } from '#test/helpers/until.ts'

const KiB = 1024
const clockAt = (startMs: number) => {
  let nowMs = startMs
  return { now: () => nowMs, pass: (ms: number) => (nowMs += ms) }
}

test('who sends as terminals do never waits', (t) => {
  const clock = clockAt(0)
  const turn = createTurns(clock.now).join(
    () => t.fail(),
    () => 0,
  )
  for (let line = 0; line < 10_000; line++) {
    turn.spend(4 * KiB)
    t.false(turn.waits)
    clock.pass(10)
  }
})

test('those who flood get a share each, in turn, and one that left none', async (t) => {
  const turns = createTurns(() => 0)
  const order: string[] = []
  const flood = (name: string) => {
    const turn = turns.join(
      () => void order.push(name),
      () => 0,
    )
    return () => {
      turn.spend(256 * KiB)
      t.true(turn.waits)
      return turn
    }
  }
  const [a, b, c] = [flood('a'), flood('b'), flood('c')]
  a()
  b()
  c().leave()
  await until(() => order.length === 2)
  b()
  a()
  await until(() => order.length === 4)
  t.deepEqual(order, ['a', 'b', 'b', 'a'])
})

test('while much is not durable nobody who floods reads on, until less is', async (t) => {
  let pendingBytes = 17 * KiB * KiB
  let went = 0
  const turns = createTurns(() => 0)
  const turn = turns.join(
    () => void went++,
    () => pendingBytes,
  )
  turn.spend(256 * KiB)
  for (let round = 0; round < 20; round++) await nextTurn()
  t.is(went, 0)
  pendingBytes = KiB
  await until(() => went === 1)
  t.false(turn.waits)
})

test('bytes that are held for long stop nobody for good', async (t) => {
  const clock = clockAt(0)
  let went = 0
  const turn = createTurns(clock.now).join(
    () => void went++,
    () => 100 * KiB * KiB,
  )
  turn.spend(256 * KiB)
  clock.pass(300)
  await until(() => went === 1)
  t.false(turn.waits)
})
