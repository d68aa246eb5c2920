import test from 'ava'
import type { AnyRule } from '#detectors/rule.ts'
import { authFailuresAddress } from '#detectors/rules/auth-failures-address.ts'
import { authFailuresUser } from '#detectors/rules/auth-failures-user.ts'
import { authSuccessUser } from '#detectors/rules/auth-success-after-failures.ts'
import { authSuccessSpray } from '#detectors/rules/auth-success-after-spray.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { createDay, day, happened, hour, minute, monday, mostStateBytes, second } from './day.ts'

const own = [authSuccessUser, authSuccessSpray] as AnyRule[]
const rules = [...own, authFailuresAddress, authFailuresUser] as AnyRule[]
const at = monday + 9 * hour
const home = '198.51.100.4'
const evil = '203.0.113.9'

const failed = (timeMs: number, sourceIp = evil, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'login_failed', { sourceIp, reason: 'bad_password', method: 'password', ...fields })
const entered = (timeMs: number, sourceIp = evil, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'login', { sourceIp, method: 'password', sessionId: 'session-1', ...fields })
const many = <T>(count: number, one: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => one(n))

type Case = { name: string; events: SessionEvent[]; counts: number[]; infos?: number }
const cases: Case[] = [
  {
    name: 'six failures, then a success: one alert with the six',
    events: [...many(6, (n) => failed(at + n * 10 * second)), entered(at + minute + second)],
    counts: [6],
  },
  {
    name: 'four failures, then a success are typing mistakes',
    events: [...many(4, (n) => failed(at + n * 10 * second)), entered(at + minute)],
    counts: [],
  },
  {
    name: 'failures from another address of the same network count',
    events: [...many(6, (n) => failed(at + n * 10 * second, `203.0.113.${n}`)), entered(at + minute + second)],
    counts: [6],
  },
  {
    name: 'a failure in the same second as the success came before it',
    events: [...many(5, () => failed(at)), entered(at), failed(at)],
    counts: [6],
  },
  {
    name: 'the person comes with a key from the usual address while somebody else guesses passwords',
    events: [
      ...many(9, (n) => entered(at - (9 - n) * day, home, { method: 'publickey' })),
      ...many(8, (n) => failed(at + n * 10 * second)),
      entered(at + 2 * minute, home, { method: 'publickey' }),
      ...many(8, (n) => failed(at + hour + n * 10 * second, home)),
      entered(at + hour + 2 * minute, home, { method: 'publickey' }),
    ],
    counts: [],
  },
  {
    name: 'a client that offers six keys before the right one guesses nothing',
    events: [
      ...many(6, (n) => failed(at + n, home, { reason: 'key_rejected', method: 'publickey' })),
      entered(at + second, home, { method: 'publickey' }),
    ],
    counts: [],
  },
  {
    name: 'the person fails, gets in, and fails again another day',
    events: many(6, (n) => [
      failed(at + n * day),
      failed(at + n * day + second),
      entered(at + n * day + minute),
    ]).flat(),
    counts: [],
  },
  {
    name: 'a job that gets its new password after it failed every five minutes is a finding',
    events: [
      ...many(10, (n) => entered(at - (10 - n) * day, home)),
      ...many(40, (n) => failed(at + n * 5 * minute, home)),
      entered(at + 40 * 5 * minute, home),
    ],
    counts: [],
    infos: 1,
  },
  {
    name: 'a password that was forgotten, from the usual place and with a second factor, is a finding',
    events: [
      ...many(10, (n) => entered(at - (10 - n) * day, home)),
      ...many(6, (n) => failed(at + n * 20 * second, home)),
      entered(at + 3 * minute, home, { method: 'keyboard-interactive', mfa: true }),
    ],
    counts: [],
    infos: 1,
  },
  {
    name: 'a second factor from where the user never was excuses nothing',
    events: [
      ...many(10, (n) => entered(at - (10 - n) * day, home)),
      ...many(6, (n) => failed(at + n * 20 * second)),
      entered(at + 3 * minute, evil, { method: 'keyboard-interactive', mfa: true }),
    ],
    counts: [6],
  },
  {
    name: 'one or two failures from each of ten networks, and one of them gets in',
    events: [
      ...many(14, (n) => failed(at + n * 5 * minute, `203.0.${n % 10}.9`)),
      entered(at + 75 * minute, '203.0.3.9'),
    ],
    counts: [14],
  },
  {
    name: 'an address that fails at eight names and gets in with the ninth',
    events: [
      ...many(8, (n) => failed(at + n * 10 * second, evil, { user: `user${n}` })),
      failed(at + 90 * second),
      entered(at + 100 * second),
    ],
    counts: [9],
  },
]
for (const { name, events, counts, infos } of cases)
  test(name, (t) => {
    const watch = createDay(own)
    watch.take(...events)
    t.deepEqual(
      watch.alerts().map(({ count }) => count),
      counts,
      JSON.stringify(watch.alerts(), null, 1),
    )
    t.true(watch.alerts().every(({ severity, sessionId }) => severity === 'high' && sessionId === 'session-1'))
    if (infos !== undefined) t.is(watch.infos().length, infos)
  })

test('six failures and a success are no alert of failures besides', (t) => {
  const watch = createDay(rules)
  watch.take(...many(6, (n) => failed(at + n * 10 * second)), entered(at + 61 * second))
  t.deepEqual(
    watch.alerts().map(({ rule, user, sourceIp }) => ({ rule, user, sourceIp })),
    [{ rule: 'auth-success-after-failures', user: 'alice', sourceIp: evil }],
  )
})

test('failures that arrive after the success are counted where they belong', (t) => {
  const watch = createDay(own)
  const failures = many(6, (n) => failed(at + n * 10 * second))
  watch.take(...failures.slice(3), entered(at + minute + second), ...failures.slice(0, 3))
  t.deepEqual(
    watch.alerts().map(({ count }) => count),
    [6],
  )
})

test('what is remembered of failures stays small', (t) => {
  const hostile = function* () {
    const [one, in_] = [failed(at), entered(at)]
    for (let n = 0; n < 100_000; n++) {
      const about = { user: `user${n % 999}-${'x'.repeat(60)}`, sourceIp: `203.0.${n % 250}.${n % 7}` }
      yield { ...(n % 50 === 0 ? in_ : one), ...about, at: new Date(at + n * 100).toISOString() } as SessionEvent
    }
  }
  for (const rule of own) t.true(mostStateBytes(rule, hostile()) <= 20_000, `${rule.entity}`)
})
