import test from 'ava'
import { endWhenIdle } from '#hooks/agent/standby.ts'
import { until } from '#test/helpers/until.ts'

test('a standby ends once it was idle for long enough, and not while something is open', async (t) => {
  let [isOpen, ends, looks] = [true, 0, 0]
  const isIdle = () => {
    looks += 1
    return !isOpen
  }
  const end = async (): Promise<void> => {
    ends += 1
  }
  endWhenIdle(isIdle, end, 20)
  await until(() => looks > 5)
  t.is(ends, 0)
  isOpen = false
  await until(() => ends > 0)
  const looked = looks
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.is(ends, 1)
  t.is(looks, looked)
})
