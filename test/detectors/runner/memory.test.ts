import { randomInt } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { Registry } from 'prom-client'
import type { SessionEvent } from '#services/schema/session-event.ts'
import {
  arriving,
  type DetectorBackends,
  eventRecords,
  generateEvents,
  lastAlerts,
  openRunner,
  ownBackends,
  replayed,
  settleRunners,
} from '#test/helpers/detector-runner.ts'
import { until } from '#test/helpers/until.ts'

const seed = Number(process.env.DETECTORS_SEED ?? randomInt(2 ** 31))
const events = generateEvents(seed, 400)
const expectedOf = (all: readonly SessionEvent[]) => replayed(all)

/** A runner that keeps one entity in memory, whatever comes. */
const openForgetful = async (t: ExecutionContext, backends: DetectorBackends) => {
  const registry = new Registry()
  const runner = await openRunner(backends, { registry, maxEntities: 1 })
  t.teardown(runner.close)
  const entities = async (): Promise<number> => {
    const { values } = await registry.getSingleMetric('bartizan_detectors_entities')!.get()
    return values[0]?.value ?? 0
  }
  return { runner, entities }
}
const storedCount = async ({ state }: DetectorBackends): Promise<number> =>
  (await state.list('detectors/entity/', { limit: 1_000 })).length

test('what is unloaded when memory is full, and loaded again, gives the same alerts', async (t) => {
  t.log(`DETECTORS_SEED=${seed}`)
  const backends = await ownBackends(t)
  const { runner, entities } = await openForgetful(t, backends)
  for (const group of arriving(events, seed)) {
    await backends.bus.produce(eventRecords(group))
    await runner.tick()
    await runner.drain()
  }
  await settleRunners(backends.bus, [runner])
  t.true((await entities()) <= 1, `${await entities()} entities in memory`)
  t.true((await storedCount(backends)) > 8)
  t.deepEqual(await lastAlerts(backends.bus), expectedOf(events))
})

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const laterMs = 30 * dayMs

test('what is over is forgotten in the store as well, and what comes after it gives the same alerts', async (t) => {
  t.log(`DETECTORS_SEED=${seed}`)
  const startedMs = Date.now()
  const endMs = Date.parse(events.at(-1)!.at)
  let nowMs = endMs
  const backends = await ownBackends(t, { now: () => nowMs + Date.now() - startedMs })
  const { runner } = await openForgetful(t, backends)
  await backends.bus.produce(eventRecords(events))
  await settleRunners(backends.bus, [runner])
  const users = new Set(events.map(({ user }) => user)).size
  t.true((await storedCount(backends)) > users, 'networks are known')

  nowMs += 5 * dayMs
  await until(
    async () => {
      nowMs += hourMs // it is looked for once an hour, and the first time may be too soon
      await runner.tick()
      return (await storedCount(backends)) === users
    },
    { limitMs: 30_000, everyMs: 100, what: 'only users are known, whose rules never end' },
  )
  const later = events.map((event) => ({
    ...event,
    id: `${event.id}-later`,
    at: new Date(Date.parse(event.at) + laterMs).toISOString(),
  }))
  nowMs = endMs + laterMs
  await backends.bus.produce(eventRecords(later))
  nowMs += hourMs // what falls due after the last event does
  await settleRunners(backends.bus, [runner])
  t.deepEqual(await lastAlerts(backends.bus), expectedOf([...events, ...later]))
})
