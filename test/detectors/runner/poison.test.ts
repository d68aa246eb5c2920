import test from 'ava'
import { Registry } from 'prom-client'
import type { Programs } from '#detectors/programs.ts'
import { type AnyRule, quiet } from '#detectors/rule.ts'
import {
  eventRecords,
  generateEvents,
  lastAlerts,
  openRunner,
  ownBackends,
  replayed,
  settleRunners,
} from '#test/helpers/detector-runner.ts'
import { toyPrograms } from '#test/helpers/toy-programs.ts'

const events = generateEvents(1, 300)
const poison = events.findIndex(({ kind }, at) => at > 100 && kind === 'login')

/** Fails at one event, and with each timer it sets. */
const failing: AnyRule = {
  id: 'bulk-transfer',
  entity: 'user',
  kinds: ['login', 'command'],
  initial: () => null,
  apply: (_, { event, timeMs }) => {
    if (event.id === events[poison]!.id) throw new TypeError(`secret of ${event.user}`)
    return quiet(event.kind === 'command' ? timeMs + 60_000 : null)
  },
  dueAtMs: (state) => state as number | null,
  due: () => {
    throw new RangeError('late')
  },
}
const programs: Programs = {
  ...toyPrograms,
  user: { ...toyPrograms.user, rules: [failing, ...toyPrograms.user.rules] },
}

test('an event that a rule fails at is put aside with the reason, and everything else goes on', async (t) => {
  const backends = await ownBackends(t)
  const registry = new Registry()
  const runner = await openRunner(backends, { programs, registry })
  t.teardown(runner.close)
  await backends.bus.produce(eventRecords(events))
  await settleRunners(backends.bus, [runner])
  t.deepEqual(await lastAlerts(backends.bus), replayed(events))

  const letters = []
  for (let partition = 0; partition < backends.bus.partitions('dead-letters'); partition++)
    letters.push(...(await backends.bus.read({ topic: 'dead-letters', partition }, 0, 100)))
  const [letter] = letters
  t.is(letters.length, 1)
  t.like(letter!.headers, {
    where: 'detectors',
    code: 'BTZ_INTERNAL',
    reason: 'the rule bulk-transfer failed at it: TypeError',
    topic: 'entity-events',
    key: `user:${events[poison]!.user}`,
  })
  t.is(JSON.parse(Buffer.from(letter!.value).toString()).observed.event.id, events[poison]!.id)
  const { values } = await registry.getSingleMetric('bartizan_detectors_rule_failures_total')!.get()
  t.true(values[0]!.value >= 2, 'timers that fail are counted, too')
})
