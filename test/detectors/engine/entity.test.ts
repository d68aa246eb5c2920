import test from 'ava'
import { alertOf } from '#detectors/alert.ts'
import { createEntity, type Engine, type Entity } from '#detectors/engine/entity.ts'
import { settle } from '#detectors/engine/settle.ts'
import { entityFrom, snapshotOf } from '#detectors/engine/snapshot.ts'
import { takeEvent, takeTick } from '#detectors/engine/take.ts'
import { noGeo } from '#detectors/geo/geo.ts'
import { type AnyRule, type Observed, quiet, type Rule } from '#detectors/rule.ts'
import type { Alert } from '#services/schema/alert.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { quietDirectory } from '#test/helpers/quiet-directory.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const minute = 60_000
const startMs = Date.UTC(2026, 0, 5, 9)

/** Three failures within five minutes; and whoever fails and says nothing for two minutes is missed. */
type Burst = { timesMs: number[]; missingSinceMs: number | null }
const burst: Rule<Burst> = {
  id: 'auth-failures',
  entity: 'user',
  kinds: ['login_failed'],
  initial: () => ({ timesMs: [], missingSinceMs: null }),
  apply: (state, { timeMs }, { isHistory }) => {
    if (isHistory) return quiet(state)
    const timesMs = [...state.timesMs.filter((ms) => ms > timeMs - 5 * minute), timeMs]
    const next = { timesMs, missingSinceMs: timeMs }
    if (timesMs.length < 3) return quiet(next)
    const [firstEventMs] = timesMs as [number]
    const window = `${Math.floor(firstEventMs / (10 * minute))}`
    const said = { severity: 'high' as const, title: 'burst', explanation: `${timesMs.length} failures` }
    return { state: next, findings: [{ ...said, window, count: timesMs.length, firstEventMs, lastEventMs: timeMs }] }
  },
  dueAtMs: ({ missingSinceMs }) => (missingSinceMs === null ? null : missingSinceMs + 2 * minute),
  due: (state, dueMs) => ({
    state: { ...state, missingSinceMs: null },
    findings: [
      {
        window: `silent ${dueMs}`,
        severity: 'low',
        title: 'silent',
        explanation: 'nothing more',
        count: 1,
        firstEventMs: dueMs,
        lastEventMs: dueMs,
      },
    ],
  }),
}
const engine: Engine = {
  program: { rules: [burst as AnyRule], annotator: null },
  context: { directory: quietDirectory, geo: noGeo, settings: DetectorSettings.parse({}) },
  horizonMs: 10 * minute,
}
const subject = { kind: 'user', key: 'alice' } as const

const failure = (n: number, timeMs: number): Observed => ({
  event: SessionEvent.parse({
    id: `failure-${n}`,
    at: new Date(timeMs).toISOString(),
    source: 'openssh',
    bastion: 'b1',
    user: 'alice',
    kind: 'login_failed',
  }),
  timeMs,
  origin: null,
})

const createWatch = () => {
  const last = new Map<string, Alert>()
  return {
    run: (entity: Entity) => {
      for (const { incident, withdrawn } of settle(entity, engine).changes) {
        const alert = alertOf(subject, incident, withdrawn)
        last.set(alert.id, alert)
      }
    },
    /** What stands. */
    alerts: () => [...last.values()].filter(({ withdrawn }) => !withdrawn).sort((a, b) => (a.id < b.id ? -1 : 1)),
    withdrawn: () => [...last.values()].filter(({ withdrawn }) => withdrawn),
  }
}

const inOrder = (events: Observed[], endMs: number): Alert[] => {
  const entity = createEntity(subject, engine)
  const watch = createWatch()
  for (const event of events) {
    takeEvent(entity, event, engine)
    watch.run(entity)
  }
  takeTick(entity, endMs)
  watch.run(entity)
  return watch.alerts()
}

test('an alert is out with the event that makes it, and grows with the next', (t) => {
  const entity = createEntity(subject, engine)
  const watch = createWatch()
  for (const n of [0, 1, 2]) takeEvent(entity, failure(n, startMs + n * 1_000), engine)
  watch.run(entity)
  t.like(watch.alerts()[0], { count: 3, revision: 1, rule: 'auth-failures', user: 'alice' })
  takeEvent(entity, failure(3, startMs + 3_000), engine)
  watch.run(entity)
  t.like(watch.alerts()[0], { count: 4, revision: 2 })
  t.is(watch.alerts().length, 1)
})

test('an event that comes twice counts once, before and after it can be reordered', (t) => {
  const entity = createEntity(subject, engine)
  t.is(takeEvent(entity, failure(0, startMs), engine), 'taken')
  t.is(takeEvent(entity, failure(0, startMs), engine), 'duplicate')
  takeEvent(entity, failure(1, startMs + 60 * minute), engine)
  settle(entity, engine)
  t.is(entity.pending.length, 1)
  t.is(takeEvent(entity, failure(0, startMs), engine), 'duplicate')
})

test('what falls due is found with a tick, and taken back when it turns out not to be so', (t) => {
  const entity = createEntity(subject, engine)
  const watch = createWatch()
  takeEvent(entity, failure(0, startMs), engine)
  takeTick(entity, startMs + 3 * minute)
  watch.run(entity)
  t.like(watch.alerts()[0], { title: 'silent', at: new Date(startMs + 2 * minute).toISOString() })
  takeEvent(entity, failure(1, startMs + minute), engine)
  watch.run(entity)
  t.is(watch.withdrawn().length, 1)
  t.like(watch.withdrawn()[0], { status: 'resolved', revision: 2 })
  t.deepEqual(
    watch.alerts().map(({ at }) => at),
    [new Date(startMs + 3 * minute).toISOString()],
  )
})

test('older history teaches and alerts nothing; what is a week late is refused', (t) => {
  const entity = createEntity(subject, engine)
  const watch = createWatch()
  for (const n of [0, 1]) takeEvent(entity, failure(n, startMs + n * 60 * minute), engine)
  watch.run(entity)
  const before = watch.alerts().length
  for (const n of [10, 11, 12]) t.is(takeEvent(entity, failure(n, startMs - 9e8 + n), engine), 'history')
  watch.run(entity)
  t.is(watch.alerts().length, before)
  takeEvent(entity, failure(20, startMs + 9e8), engine)
  settle(entity, engine)
  t.is(takeEvent(entity, failure(21, startMs + 100), engine), 'too late')
})

test('ends in the same alerts in whatever order events come, and however often it starts again', (t) => {
  const seed = Date.now() % 1_000_000
  t.log(`seed ${seed}`)
  const random = seededRandom(seed)
  for (let round = 0; round < 60; round++) {
    let timeMs = startMs
    const events = Array.from({ length: 120 }, (_, n) => {
      timeMs += Math.floor(random() ** 3 * 8 * minute)
      return failure(n, timeMs)
    })
    const endMs = timeMs + 60 * minute
    const expected = inOrder(events, endMs)
    const late = events
      .map((event) => ({ event, arrivesMs: event.timeMs + random() * 10 * minute }))
      .sort((a, b) => a.arrivesMs - b.arrivesMs)
    let entity = createEntity(subject, engine)
    const watch = createWatch()
    for (const { event } of late) {
      takeEvent(entity, event, engine)
      if (random() < 0.5) takeTick(entity, entity.maxMs)
      if (random() < 0.4) watch.run(entity)
      if (random() < 0.2) entity = entityFrom(JSON.parse(JSON.stringify(snapshotOf(entity))), engine)
    }
    takeTick(entity, endMs)
    watch.run(entity)
    t.deepEqual(watch.alerts(), expected, `round ${round}`)
  }
})

test('an alert about a login leads to the session that came of it', (t) => {
  const everyLogin: Rule<null> = {
    id: 'new-source-ip',
    entity: 'user',
    kinds: ['login'],
    initial: () => null,
    apply: (state, { timeMs }) => {
      const said = { severity: 'low' as const, title: 'login', explanation: 'a login', window: `${timeMs}` }
      return { state, findings: [{ ...said, count: 1, firstEventMs: timeMs, lastEventMs: timeMs }] }
    },
  }
  const onLogins = { ...engine, program: { rules: [everyLogin as AnyRule], annotator: null } }
  const entity = createEntity(subject, onLogins)
  const about = { bastion: 'b1', user: 'alice', sourceIp: '192.0.2.1', sourcePort: 50_000, outcome: 'success' }
  const observed = (event: Record<string, unknown>, timeMs: number): Observed => ({
    event: SessionEvent.parse({ ...about, at: new Date(timeMs).toISOString(), ...event }),
    timeMs,
    origin: null,
  })
  takeEvent(entity, observed({ id: 'a login 1', kind: 'login', source: 'openssh' }, startMs), onLogins)
  const [first] = settle(entity, onLogins).changes
  t.is(alertOf(subject, first!.incident, false).sessionId, null)
  const started = {
    id: 'a start 1',
    kind: 'session_started',
    source: 'sudo',
    protocol: 'ssh',
    tty: true,
    recorded: true,
  }
  takeEvent(entity, observed({ ...started, sessionId: 'session-1' }, startMs + 300), onLogins)
  const [second] = settle(entity, onLogins).changes
  t.like(alertOf(subject, second!.incident, false), { sessionId: 'session-1', atMs: 0, revision: 2 })
})

const dayMs = 86_400_000

test('weeks of an old log taken at once tell of what came up in them and was over again', (t) => {
  const entity = createEntity(subject, engine)
  for (const n of [0, 1, 2]) takeEvent(entity, failure(n, startMs + n * 1_000), engine)
  takeEvent(entity, failure(9, startMs + 20 * dayMs), engine)
  const { changes, closed } = settle(entity, engine)
  const told = changes.filter(({ incident }) => incident.finding.title === 'burst')
  t.deepEqual(
    told.map(({ incident, withdrawn }) => [incident.finding.count, withdrawn]),
    [[3, false]],
  )
  t.is(closed.filter(({ finding }) => finding.title === 'burst').length, 1)
  takeEvent(entity, failure(10, startMs + 20 * dayMs - minute), engine)
  t.deepEqual(
    settle(entity, engine).closed.filter(({ finding }) => finding.title === 'burst'),
    [],
    'once',
  )
})

test('what comes four days late is told, too', (t) => {
  const entity = createEntity(subject, engine)
  for (const n of [0, 1]) takeEvent(entity, failure(n, startMs + n * 10 * dayMs), engine)
  takeEvent(entity, failure(2, startMs + 10 * dayMs + 60 * minute), engine)
  settle(entity, engine)
  for (const n of [3, 4, 5]) t.is(takeEvent(entity, failure(n, startMs + 6 * dayMs + n), engine), 'taken')
  const told = settle(entity, engine).changes.filter(({ incident }) => incident.finding.title === 'burst')
  t.true(told.some(({ incident }) => incident.finding.count >= 3))
})

test('what was told and has lost its ground is taken back, however far the entity has gone on meanwhile', (t) => {
  const arrival = { arrivedMs: 1_000, version: 0 } // other partitions may be behind
  for (const isToldToBeOver of [false, true]) {
    const entity = createEntity(subject, engine)
    takeEvent(entity, failure(0, startMs), engine, arrival)
    takeTick(entity, startMs + 3 * minute)
    const [told] = settle(entity, engine).changes
    t.is(told?.incident.finding.title, 'silent')
    takeEvent(entity, failure(9, startMs + 20 * dayMs), engine, arrival)
    if (isToldToBeOver) settle(entity, engine)
    takeEvent(entity, failure(1, startMs + minute), engine, arrival) // not silent, then
    const after = settle(entity, engine).changes.filter(({ key }) => key === told!.key)
    t.deepEqual(
      after.map(({ withdrawn }) => withdrawn),
      [true],
    )
  }
})
