import test from 'ava'
import { createModeWatch } from '#hooks/agent/mode-watch.ts'
import { createTypedOrder } from '#hooks/agent/typed-order.ts'
import type { TtyMode } from '#hooks/hook.ts'
import { until } from '#test/helpers/until.ts'
import { output, typed } from './core.ts'

const collect = () => {
  const out: [string, TtyMode][] = []
  return {
    out,
    push: (frame: { data: Uint8Array }, mode: TtyMode) => void out.push([Buffer.from(frame.data).toString(), mode]),
  }
}

test('a typed frame gets the mode that was read for it; what comes meanwhile waits, and typed text gets unknown', async (t) => {
  const { out, push } = collect()
  const modes: ((mode: TtyMode) => void)[] = []
  const order = createTypedOrder(() => new Promise((resolve) => modes.push(resolve)), push)
  order.add(output('prompt'))
  t.deepEqual(out, [['prompt', 'unknown']])
  order.add(typed('a'))
  order.add(output('echo'))
  order.add(typed('b'))
  t.is(out.length, 1)
  modes[0]!('no_echo')
  await order.settled()
  t.deepEqual(out.slice(1), [
    ['a', 'no_echo'],
    ['echo', 'unknown'],
    ['b', 'unknown'],
  ])
  t.is(modes.length, 1)
  order.add(typed('c'))
  modes[1]!('echo')
  await order.settled()
  t.deepEqual(out.at(-1), ['c', 'echo'])
})

test('a mode that cannot be read, or not in time, is unknown and holds nothing up', async (t) => {
  const { out, push } = collect()
  const fails = createTypedOrder(() => Promise.reject(new Error('no terminal')), push)
  fails.add(typed('a'))
  await fails.settled()
  const never = createTypedOrder(() => new Promise(() => {}), push)
  never.add(typed('b'))
  await never.settled()
  t.deepEqual(out, [
    ['a', 'unknown'],
    ['b', 'unknown'],
  ])
})

test('without a terminal to look at, everything goes through at once', (t) => {
  const { out, push } = collect()
  const order = createTypedOrder(undefined, push)
  order.add(typed('a'))
  order.add(output('b'))
  t.deepEqual(out, [
    ['a', 'unknown'],
    ['b', 'unknown'],
  ])
})

test('the mode is read twice after output, and in a flood not for every frame', async (t) => {
  let reads = 0
  const observed: TtyMode[] = []
  const watch = createModeWatch(
    async () => {
      reads += 1
      return 'no_echo'
    },
    (mode) => observed.push(mode),
  )
  watch.output()
  await until(() => observed.length === 2)
  const startedMs = performance.now()
  while (performance.now() - startedMs < 250) {
    for (let frame = 0; frame < 1000; frame++) watch.output()
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.true(reads > 2 && reads <= 2 + 2 * Math.ceil((performance.now() - startedMs) / 100))
  watch.stop()
})
