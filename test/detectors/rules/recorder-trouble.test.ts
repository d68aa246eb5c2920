import test from 'ava'
import type { AnyRule } from '#detectors/rule.ts'
import { recordingGapBastion } from '#detectors/rules/recording-gap-bastion.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { createDay, day, happened, hour, minute, monday, mostStateBytes, second, type World } from './day.ts'

const rules = [recordingGapBastion] as AnyRule[]
const at = monday + 9 * hour
const iso = (timeMs: number): string => new Date(timeMs).toISOString()

const said = (timeMs: number, fields: Record<string, unknown>): SessionEvent =>
  happened(timeMs, 'recorder_health', { source: 'agent', user: null, status: 'ok', ...fields })
const hook = (sinceMs: number, listening: boolean, name = 'sudo') => ({
  name,
  listening,
  since: iso(sinceMs),
  lastEventAt: null,
  lastError: listening ? null : 'EMFILE',
})
const found = (events: SessionEvent[], world?: World) => {
  const watch = createDay(rules, world)
  watch.take(...events)
  return watch.alerts().map(({ gap, severity, status }) => `${gap} ${severity} ${status}`)
}

const values: [string, Record<string, unknown>, string[]][] = [
  ['a clock within five seconds', { clockOffsetMs: -4_999 }, []],
  ['a clock six seconds behind', { clockOffsetMs: -6_000 }, ['clock_off low open']],
  ['a clock two minutes ahead', { clockOffsetMs: 120_000 }, ['clock_off medium open']],
  ['a clock that was not compared', { clockOffsetMs: null }, []],
  ['a spool half full', { spoolShare: 0.5 }, []],
  ['a spool at 51 %', { spoolShare: 0.51, spoolOldestMs: 9_000 }, ['spool_filling low open']],
  ['a spool at 81 %', { spoolShare: 0.81 }, ['spool_filling high open']],
  ['a hook that listens', { hooks: [hook(at - hour, true)] }, []],
  ['a hook that is opened again', { hooks: [hook(at - 20 * second, false)] }, []],
  ['a hook that is dead', { hooks: [hook(at - 40 * second, false)] }, ['hook_dead high open']],
]
for (const [name, fields, alerts] of values)
  test(`${name}: ${alerts.join(', ') || 'no alert'}`, (t) => t.deepEqual(found([said(at, fields)]), alerts))

test('what is over resolves the alert, and what is back within minutes is the same incident', (t) => {
  const bad = { clockOffsetMs: 9_000, spoolShare: 0.6, hooks: [hook(at - hour, false)] }
  const good = { clockOffsetMs: 0, spoolShare: 0.1, hooks: [hook(at, true)] }
  const watch = createDay(rules)
  watch.take(said(at, bad), said(at + minute, good))
  t.deepEqual(new Set(watch.alerts().map(({ status }) => status)), new Set(['resolved']))
  const ids = watch.alerts().map(({ id }) => id)
  t.is(ids.length, 3)
  watch.take(said(at + 5 * minute, bad), said(at + 6 * minute, good), said(at + 7 * minute, bad))
  t.deepEqual(
    watch.alerts().map(({ id, status, count }) => `${id} ${status} ${count}`),
    ids.map((id) => `${id} open 3`),
  )
  watch.take(said(at + 8 * minute, good), said(at + 2 * hour, bad))
  t.is(watch.alerts().filter(({ gap }) => gap !== 'agent_silent').length, 6)
})

test('a clock that gets worse is the same alert, and it does not get milder again', (t) => {
  const offs = [6_000, 70_000, 7_000]
  const watch = createDay(rules)
  watch.take(...offs.map((clockOffsetMs, n) => said(at + n * minute, { clockOffsetMs })))
  t.deepEqual(
    watch.alerts().map(({ severity }) => severity),
    ['medium'],
  )
})

test('a clock that is off for a day is told hourly, and not with every heartbeat', (t) => {
  const watch = createDay(rules)
  for (let n = 0; n < 360; n++) watch.take(said(at + n * 4 * minute, { clockOffsetMs: 9_000 }))
  const [alert, ...others] = watch.alerts()
  t.deepEqual(others, [])
  t.true(alert!.revision > 10 && alert!.revision <= 26, `${alert!.revision}`)
})

test('a hook that is set up no more is no dead one', (t) => {
  const events = [said(at, { hooks: [hook(at - hour, false, 'openssh')] }), said(at + minute, { hooks: [] })]
  t.deepEqual(found(events), ['hook_dead high resolved'])
})

test('an event that does not speak of it leaves the alert open', (t) => {
  const bad = { clockOffsetMs: 9_000, hooks: [hook(at - hour, false)] }
  t.deepEqual(found([said(at, bad), said(at + minute, {})]), ['clock_off low open', 'hook_dead high open'])
})

test('in maintenance it is a finding and no alert; thresholds are settings', (t) => {
  const bad = [said(at, { clockOffsetMs: 9_000 })]
  t.deepEqual(found(bad, { directory: { isMaintenance: () => true } }), [])
  t.deepEqual(found(bad, { settings: { recordingGap: { clockWarnMs: 10_000 } } }), [])
})

test('an agent whose clock is an hour off is told of its clock, and not called silent', (t) => {
  const watch = createDay(rules)
  for (let n = 0; n < 20; n++) {
    const trueMs = at + n * 4 * minute
    watch.take(said(trueMs - hour, { clockOffsetMs: -hour, receivedAt: iso(trueMs) }))
    watch.tick(trueMs)
  }
  t.deepEqual(
    watch.alerts().map(({ gap, status }) => `${gap} ${status}`),
    ['clock_off open'],
  )
})

test('what is remembered stays small, whatever an agent says', (t) => {
  const hostile = function* () {
    for (let n = 0; n < 2_000; n++) {
      const timeMs = at + n * second
      const hooks = Array.from({ length: 32 }, (_, h) => ({
        ...hook(timeMs - day, false, `${n * 32 + h}`.padStart(64, 'x')),
        lastError: 'e'.repeat(512),
      }))
      yield said(timeMs, { clockOffsetMs: 9e15, spoolShare: 9e15, hooks })
    }
  }
  t.true(mostStateBytes(recordingGapBastion as AnyRule, hostile()) <= 20_000)
})
