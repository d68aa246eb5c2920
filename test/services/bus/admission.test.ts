import test from 'ava'
import { createAdmission, maxHeldBytes, maxUnderWayBytes } from '#services/bus/admission.ts'

const pending = (): {
  act: () => Promise<void>
  started: string[]
  start(name: string): () => Promise<void>
  end(): void
} => {
  const ends: (() => void)[] = []
  const started: string[] = []
  const act = () => new Promise<void>((resolve) => ends.push(resolve))
  return {
    act,
    started,
    start: (name) => () => {
      started.push(name)
      return act()
    },
    end: () => ends.shift()?.(),
  }
}

test('calls beyond the bound wait, and start in the order of arrival, small ones too', async (t) => {
  const { start, started, end } = pending()
  const admit = createAdmission()
  const first = admit(maxUnderWayBytes - 10, start('first'))
  const calls = [admit(100, start('second')), admit(1, start('third'))]
  t.deepEqual(started, ['first'])
  end()
  await first
  t.deepEqual(started, ['first', 'second', 'third'])
  end()
  end()
  await Promise.all(calls)
})

test('a call larger than the bound goes alone', async (t) => {
  const { start, started, end } = pending()
  const admit = createAdmission()
  const small = admit(1, start('small'))
  const large = admit(maxUnderWayBytes + 1, start('large'))
  const next = admit(1, start('next'))
  t.deepEqual(started, ['small'])
  end()
  await small
  t.deepEqual(started, ['small', 'large'])
  end()
  await large
  t.deepEqual(started, ['small', 'large', 'next'])
  end()
  await next
})

test('what would wait beyond the second bound is refused, and taken again once there is room', async (t) => {
  const { act, end } = pending()
  const admit = createAdmission()
  const calls = [admit(maxUnderWayBytes, act), admit(maxHeldBytes - maxUnderWayBytes, act)]
  await t.throwsAsync(admit(1, act), { code: 'BTZ_UNAVAILABLE' })
  end()
  await calls[0]
  calls.push(admit(1, act))
  end()
  await calls[1]
  end()
  await t.notThrowsAsync(Promise.all(calls))
})

test('a call that fails makes room as one that succeeds', async (t) => {
  const admit = createAdmission()
  const failing = admit(maxUnderWayBytes, () => Promise.reject(new Error('no')))
  const next = admit(1, async () => 'went on')
  await t.throwsAsync(failing, { message: 'no' })
  t.is(await next, 'went on')
})
