import { mock } from 'node:test'
import test from 'ava'
import { createRefusals } from '#hooks/sudo/refusals.ts'

test.serial(
  'refusals of a uid are reported at once, then once in ten seconds with their number (mock: timers)',
  (t) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.teardown(() => mock.timers.reset())
    const reports: [number | null, number][] = []
    const refusals = createRefusals((uid, attempts) => reports.push([uid, attempts]))
    for (let attempt = 0; attempt < 1000; attempt += 1) refusals.add(1001)
    refusals.add(1002)
    t.deepEqual(reports.splice(0), [
      [1001, 1],
      [1002, 1],
    ])
    mock.timers.tick(9_999)
    t.deepEqual(reports, [])
    mock.timers.tick(1)
    t.deepEqual(reports.splice(0), [[1001, 999]])
    mock.timers.tick(10_000)
    refusals.add(null)
    refusals.add(1001)
    t.deepEqual(reports.splice(0), [
      [null, 1],
      [1001, 1],
    ])
    t.is(refusals.total, 1003)
    refusals.stop()
  },
)

test.serial('a flood from many uids keeps its numbers and does not grow without bound (mock: timers)', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  let reported = 0
  const refusals = createRefusals((_uid, attempts) => {
    reported += attempts
  })
  for (let uid = 0; uid < 5000; uid += 1) refusals.add(uid)
  t.true(reported <= 1025)
  refusals.stop()
  t.is(reported, 5000)
})
