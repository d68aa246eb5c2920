import test from 'ava'
import { noGeo } from '#detectors/geo/geo.ts'
import { origins } from '#detectors/origins.ts'
import type { Observed } from '#detectors/rule.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { directoryOf } from '#test/helpers/directory-of.ts'

const startMs = Date.UTC(2026, 2, 2, 9)
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

let made = 0
const event = (kind: 'login' | 'login_failed', user: string, ip: string, timeMs: number): Observed => ({
  timeMs,
  origin: null,
  event: SessionEvent.parse({
    id: `event-number-${made++}`,
    at: new Date(timeMs).toISOString(),
    source: 'openssh',
    bastion: 'b1',
    user,
    sourceIp: ip,
    kind,
  }),
})
const login = (user: string, ip: string, timeMs: number) => event('login', user, ip, timeMs)
const failure = (user: string, ip: string, timeMs: number) => event('login_failed', user, ip, timeMs)
const directory = directoryOf({ people: [{ user: 'maria', aliases: ['m.lopez'] }] })
const context = { directory, geo: noGeo, settings: DetectorSettings.parse({}) }
const after = (events: Observed[]) =>
  events.reduce((state, one) => origins.after(state, one, context), origins.initial())

test('people who came from the address and from its network are told apart, the user among neither', (t) => {
  const state = after([
    login('alice', '192.0.2.1', startMs),
    login('bob', '192.0.2.1', startMs),
    login('bob', '192.0.2.9', startMs),
    login('zoe', '192.0.2.9', startMs),
  ])
  const facts = origins.before(state, login('alice', '192.0.2.1', startMs + hourMs), context)
  t.like(facts, { otherUsers: 1, networkUsers: 2 })
})

test('who came more than 30 days ago counts no more', (t) => {
  const state = after([login('bob', '192.0.2.1', startMs)])
  t.is(origins.before(state, login('alice', '192.0.2.1', startMs + 29 * dayMs), context).otherUsers, 1)
  t.is(origins.before(state, login('alice', '192.0.2.1', startMs + 30 * dayMs), context).otherUsers, 0)
})

test('failures of the last hour and their names are counted, by address', (t) => {
  const state = after([
    failure('root', '192.0.2.1', startMs),
    failure('alice', '192.0.2.1', startMs + 50 * minuteMs),
    failure('bob', '192.0.2.1', startMs + 55 * minuteMs),
    failure('bob', '192.0.2.1', startMs + 56 * minuteMs),
    failure('bob', '192.0.2.7', startMs + 56 * minuteMs),
  ])
  t.like(origins.before(state, login('alice', '192.0.2.1', startMs + 59 * minuteMs), context), {
    failures: 4,
    failedUsers: 3,
  })
  t.like(origins.before(state, login('alice', '192.0.2.1', startMs + 70 * minuteMs), context), {
    failures: 3,
    failedUsers: 2,
  })
  t.like(origins.before(state, login('alice', '192.0.2.1', startMs + 3 * hourMs), context), {
    failures: 0,
    failedUsers: 0,
  })
})

test('what happens later in event time is not known before', (t) => {
  const state = after([login('bob', '192.0.2.1', startMs + hourMs), failure('bob', '192.0.2.1', startMs + hourMs)])
  t.deepEqual(origins.before(state, login('alice', '192.0.2.1', startMs), context), {
    otherUsers: 0,
    networkUsers: 0,
    failures: 0,
    failedUsers: 0,
  })
})

test('the network of a scanner is forgotten two hours later, one that people come from is kept', (t) => {
  const scanner = after([failure('root', '192.0.2.1', startMs)])
  t.false(origins.isOver(scanner, startMs + 30 * minuteMs))
  t.true(origins.isOver(scanner, startMs + 2 * hourMs))
  const home = after([login('alice', '192.0.2.1', startMs), failure('root', '192.0.2.1', startMs)])
  t.false(origins.isOver(home, startMs + 20 * dayMs))
  t.true(origins.isOver(home, startMs + 31 * dayMs))
})

test('a flood of names from all over a network stays small, is counted whole, and leaves the states before it as they were', (t) => {
  let state = origins.initial()
  for (let n = 0; n < 10_000; n++) {
    const timeMs = startMs + n * 50
    const ip = `192.0.2.${n % 3 === 0 ? 7 : n % 256}`
    state = origins.after(state, failure(n % 2 ? `name${n}` : '__proto__', ip, timeMs), context)
    if (n % 100 === 0) state = origins.after(state, login(`user${n}`, ip, timeMs), context)
  }
  const frozen = JSON.stringify(state)
  t.true(frozen.length < 50_000, `${frozen.length} bytes`)
  const facts = origins.before(state, login('alice', '192.0.2.7', startMs + 10_000 * 50), context)
  t.true(facts.failures > 3_000)
  t.is(facts.failedUsers, 32)
  origins.after(state, failure('alice', '192.0.2.7', startMs + 10_000 * 50), context)
  t.is(JSON.stringify(state), frozen)
})

test('whoever comes in by another of their names is nobody else', (t) => {
  const state = after([login('m.lopez', '192.0.2.1', startMs), failure('m.lopez', '192.0.2.1', startMs)])
  const facts = origins.before(
    after([login('bob', '192.0.2.1', startMs)]),
    login('maria', '192.0.2.1', startMs),
    context,
  )
  t.is(facts.otherUsers, 1)
  t.like(origins.before(state, login('maria', '192.0.2.1', startMs + minuteMs), context), {
    otherUsers: 0,
    failedUsers: 1,
  })
})
