import test from 'ava'
import type { Fact } from '#hooks/posture/verdict.ts'
import { seen, unseen } from '#hooks/posture/verdict.ts'
import { nothingSaid, remember, whatToSay } from '#hooks/posture/what-was-said.ts'
import { dayMs, keysOf, nowMs, viewOf } from './views.ts'

const well: Fact = { check: 'mfa-required', status: 'ok', detail: {} }
const bad: Fact = { ...well, status: 'fail', detail: { oneFactor: ['any'] } }
const old: Fact = { check: 'credential-age', user: 'carol', status: 'fail', detail: { oldestDays: 400 } }
const fresh: Fact = { check: 'credential-age', status: 'ok', detail: {} }

test('a fact is said at first, at every change, and once a day', (t) => {
  const first = whatToSay(nothingSaid, [well], nowMs)
  t.deepEqual(first.say, [well])
  const hour = whatToSay(first.after, [well], nowMs + 3_600_000)
  t.deepEqual(hour.say, [])
  const change = whatToSay(hour.after, [bad], nowMs + 7_200_000)
  t.deepEqual(change.say, [bad])
  t.deepEqual(whatToSay(change.after, [bad], nowMs + 22 * 3_600_000).say, [])
  t.deepEqual(whatToSay(change.after, [bad], nowMs + 7_200_000 + dayMs).say, [bad])
  t.deepEqual(whatToSay(change.after, [bad], nowMs - dayMs).say, [bad], 'a clock that was put back')
})

test('what was wrong with a person and is no more is said once, and only by a check that could look', (t) => {
  const before = whatToSay(nothingSaid, [old], nowMs).after
  const unclear: Fact = { check: 'credential-age', status: 'warn', detail: { notChecked: 'no passwd' } }
  t.deepEqual(whatToSay(before, [unclear], nowMs + 1).say, [unclear])
  const { say, after } = whatToSay(before, [fresh], nowMs + 1)
  t.deepEqual(say, [fresh, { check: 'credential-age', user: 'carol', status: 'ok', detail: { noLongerFound: true } }])
  t.deepEqual(whatToSay(after, [fresh], nowMs + 2).say, [])
  t.deepEqual(whatToSay(before, [], nowMs + 2).say, [], 'a check that was not run says nothing')
})

test('when a key was seen first is kept as long as it is there, also through a look that failed', (t) => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ alice@laptop'
  const first = remember({}, viewOf({ keys: keysOf({ alice: key }) }))
  t.is(Object.keys(first).length, 1)
  const later = { nowMs: nowMs + dayMs }
  t.deepEqual(remember(first, viewOf({ ...later, keys: keysOf({ alice: key }) })), first)
  t.deepEqual(remember(first, viewOf({ ...later, keys: unseen('no passwd') })), first)
  t.deepEqual(remember(first, viewOf({ ...later, keys: keysOf({ alice: '' }) })), {})
  const updates = seen({ pending: [{ name: 'libssl3', version: '3.0.2-1' }], listsAtMs: nowMs, unattended: true })
  t.deepEqual(remember({}, viewOf({ updates })), { 'update libssl3 3.0.2-1': nowMs })
})
