import { randomInt } from 'node:crypto'
import test from 'ava'
import {
  arriving,
  eventRecords,
  generateEvents,
  lastAlerts,
  openRunner,
  ownBackends,
  replayed,
  settleRunners,
} from '#test/helpers/detector-runner.ts'

const seed = Number(process.env.DETECTORS_SEED ?? randomInt(2 ** 31))

test('workers that join and leave in the middle change nothing in the last alerts', async (t) => {
  t.log(`DETECTORS_SEED=${seed}`)
  const events = generateEvents(seed, 800)
  const backends = await ownBackends(t)
  const open = async () => {
    const runner = await openRunner(backends)
    t.teardown(runner.close)
    return runner
  }
  const runners = [await open()]
  for (const [n, group] of arriving(events, seed).entries()) {
    const under = backends.bus.produce(eventRecords(group))
    if (n % 12 === 5) runners.push(await open())
    if (n % 12 === 11) await runners.shift()!.close()
    await under
    for (const runner of runners) await runner.tick()
  }
  await settleRunners(backends.bus, runners)
  t.deepEqual(await lastAlerts(backends.bus), replayed(events))
})
