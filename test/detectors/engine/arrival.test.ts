import test from 'ava'
import { isOver } from '#detectors/engine/compact.ts'
import { createEntity, type Engine } from '#detectors/engine/entity.ts'
import type { Annotator } from '#detectors/engine/folded.ts'
import { settle } from '#detectors/engine/settle.ts'
import { entityFrom, snapshotOf } from '#detectors/engine/snapshot.ts'
import { takeEvent, takeReached } from '#detectors/engine/take.ts'
import { noGeo } from '#detectors/geo/geo.ts'
import type { Observed, OriginFacts } from '#detectors/rule.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { quietDirectory } from '#test/helpers/quiet-directory.ts'

const minute = 60_000
const hour = 60 * minute
const startMs = Date.UTC(2026, 0, 5, 9)
const horizonMs = 10 * minute
const context = { directory: quietDirectory, geo: noGeo, settings: DetectorSettings.parse({}) }

/** How many came before. */
const counting: Annotator<number> = {
  initial: () => 0,
  before: (state): OriginFacts => ({ otherUsers: state, networkUsers: 0, failures: 0, failedUsers: 0 }),
  after: (state) => state + 1,
  isOver: () => true,
}
const user: Engine = { program: { rules: [], annotator: null }, context, horizonMs }
const network: Engine = { program: { rules: [], annotator: counting as Annotator }, context, horizonMs }
const alice = { kind: 'user', key: 'alice' } as const
const home = { kind: 'network', key: '192.0.2.0/24' } as const

const login = (n: number, timeMs: number, origin: OriginFacts | null = null): Observed => ({
  event: SessionEvent.parse({
    id: `a-login-${n}`,
    at: new Date(timeMs).toISOString(),
    source: 'openssh',
    bastion: 'b1',
    user: 'alice',
    kind: 'login',
  }),
  timeMs,
  origin,
})
const facts = (otherUsers: number): OriginFacts => ({ otherUsers, networkUsers: 0, failures: 0, failedUsers: 0 })

test('what one partition is read ahead of another makes nothing late', (t) => {
  const entity = createEntity(alice, user)
  for (const n of [0, 1, 2])
    takeEvent(entity, login(n, startMs + n * hour), user, { arrivedMs: 10_000 * (n + 1), version: 0 })
  settle(entity, user)
  takeReached(entity, 15_001, user)
  t.is(takeEvent(entity, login(10, startMs + 1), user, { arrivedMs: 15_001, version: 0 }), 'taken')
  settle(entity, user)
  t.deepEqual(
    entity.pending.map(({ observed }) => observed.event.id),
    ['a-login-0', 'a-login-10', 'a-login-1', 'a-login-2'],
  )
  takeReached(entity, 35_001, user)
  t.deepEqual(
    entity.pending.map(({ observed }) => observed.event.id),
    ['a-login-2'],
  )
})

test('what a network said of an event before it started again does not undo what it said since', (t) => {
  const entity = createEntity(alice, user)
  takeEvent(entity, login(0, startMs, facts(2)), user, { arrivedMs: 1, version: 7 })
  t.is(takeEvent(entity, login(0, startMs, facts(1)), user, { arrivedMs: 1, version: 6 }), 'duplicate')
  t.is(entity.pending[0]!.observed.origin?.otherUsers, 2)
  t.is(takeEvent(entity, login(0, startMs, facts(3)), user, { arrivedMs: 1, version: 8 }), 'taken')
  t.is(entity.pending[0]!.observed.origin?.otherUsers, 3)
})

test('what is too late to be put in its place, and history, still go on from the network to the user', (t) => {
  const entity = createEntity(home, network)
  for (const n of [0, 1, 4]) takeEvent(entity, login(n, startMs + n * hour), network)
  t.is(settle(entity, network).forwards.length, 3)
  t.is(takeEvent(entity, login(2, startMs + minute), network), 'taken')
  t.is(takeEvent(entity, login(3, startMs - hour), network), 'history')
  const forwards = settle(entity, network).forwards.map(({ event }) => event.id)
  t.deepEqual(forwards.slice(0, 2), ['a-login-2', 'a-login-3'])
})

test('who was quiet for longer than anything may be late has nothing pending, and can be forgotten', (t) => {
  const entity = createEntity(home, network)
  takeEvent(entity, login(0, startMs), network, { arrivedMs: 5_000, version: 0 })
  settle(entity, network)
  t.false(isOver(entity, network, startMs + hour))
  takeReached(entity, 5_000 + 14 * minute, network)
  t.is(entity.pending.length, 1)
  takeReached(entity, 5_000 + 16 * minute, network)
  t.is(entity.pending.length, 0)
  t.true(isOver(entity, network, startMs + hour))
  t.is(takeEvent(entity, login(0, startMs), network, { arrivedMs: 9_000, version: 0 }), 'duplicate')
})

test('an entity holds so much and no more, and a snapshot changes nothing about it', (t) => {
  const entity = createEntity(alice, user)
  const line = 'x'.repeat(64 * 1024)
  for (let n = 0; n < 300; n++) {
    const { event, ...rest } = login(n, startMs + n)
    const command = { ...event, kind: 'command', argv: ['x'], line, via: 'exec', atMs: 0 }
    takeEvent(entity, { ...rest, event: SessionEvent.parse(command) }, user)
  }
  settle(entity, user)
  t.true(entity.pending.length > 50 && entity.pending.length < 150, `${entity.pending.length}`)
  const again = entityFrom(JSON.parse(JSON.stringify(snapshotOf(entity))), user)
  t.is(again.pendingChars, entity.pendingChars)
  t.deepEqual(snapshotOf(again), snapshotOf(entity))
})
