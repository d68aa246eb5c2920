import test from 'ava'
import { systemClock } from '#services/clock.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import {
  eventRecords,
  generateEvents,
  lastAlerts,
  openRunner,
  ownBackends,
  publishedAlerts,
  settleRunners,
} from '#test/helpers/detector-runner.ts'
import { until } from '#test/helpers/until.ts'

test('an event on the bus becomes an alert on the bus, while nothing else is under way', async (t) => {
  const backends = await ownBackends(t, systemClock)
  const runner = await openRunner(backends)
  t.teardown(runner.close)
  const [first] = generateEvents(1, 1)
  const failure = (n: number) => SessionEvent.parse({ ...first, id: `failure-${n}`, kind: 'login_failed' })
  await backends.bus.produce(eventRecords([failure(1), failure(2), failure(3)]))
  await until(async () => (await publishedAlerts(backends.bus)).length >= 2, { limitMs: 30_000 })
  t.deepEqual((await lastAlerts(backends.bus)).map(({ entity, count }) => [entity.kind, count]).sort(), [
    ['network', 3],
    ['user', 3],
  ])
  await settleRunners(backends.bus, [runner])
})
