import test from 'ava'
import type { Person } from '#detectors/directory/directory.ts'
import type { AnyRule } from '#detectors/rule.ts'
import { authFailuresAddress } from '#detectors/rules/auth-failures-address.ts'
import { authFailuresUser } from '#detectors/rules/auth-failures-user.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { createDay, day, happened, hour, minute, monday, mostStateBytes, second, type World } from './day.ts'

const rules = [authFailuresAddress, authFailuresUser] as AnyRule[]
const at = monday + 9 * hour
const evil = '203.0.113.9'

const failed = (timeMs: number, user: string, sourceIp: string, reason = 'bad_password'): SessionEvent =>
  happened(timeMs, 'login_failed', { user, sourceIp, reason, method: 'password' })
const entered = (timeMs: number, user: string, sourceIp: string): SessionEvent =>
  happened(timeMs, 'login', { user, sourceIp, method: 'password', sessionId: null })
const many = <T>(count: number, one: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => one(n))
const person = (user: string, accountType: Person['accountType'] = 'human'): Person => ({
  user,
  name: null,
  role: null,
  team: null,
  country: null,
  accountType,
  shared: false,
  joinedMs: null,
  leftMs: null,
  schedule: 'office',
})
const watched = (events: SessionEvent[], world: World = {}) => {
  const watch = createDay(rules, world)
  watch.take(...events)
  return watch
}

type Case = { name: string; events: SessionEvent[]; world?: World; alerts: number; infos?: number }
const cases: Case[] = [
  {
    name: 'ten failures at a real account within an hour alert',
    events: many(10, (n) => failed(at + n * 5 * minute, 'alice', evil)),
    alerts: 1,
  },
  { name: 'nine failures do not', events: many(9, (n) => failed(at + n * minute, 'alice', evil)), alerts: 0 },
  {
    name: 'six failures and a success are for another rule',
    events: [...many(6, (n) => failed(at + n * second, 'alice', evil)), entered(at + 7 * second, 'alice', evil)],
    alerts: 0,
  },
  {
    name: 'one failure at each of five real accounts is a spray',
    events: many(5, (n) => failed(at + n * minute, `user${n}`, evil)),
    alerts: 1,
  },
  {
    name: 'six failures a quarter of an hour apart are slow on purpose',
    events: many(6, (n) => failed(at + n * 15 * minute, 'alice', evil)),
    alerts: 1,
  },
  {
    name: 'slow failures that a success follows each time are a person',
    events: many(6, (n) => [
      failed(at + n * 40 * minute, 'alice', evil),
      entered(at + n * 40 * minute + minute, 'alice', evil),
    ]).flat(),
    alerts: 0,
  },
  {
    name: 'one account tried from five networks is one alert, and none for each network',
    events: many(15, (n) => failed(at + n * minute, 'alice', `198.51.${n % 5}.7`)),
    alerts: 1,
  },
  {
    name: 'names nobody has are one finding of an address and day, however many',
    events: many(500, (n) => failed(at + n * second, `nobody${n}`, evil, 'invalid_user')),
    alerts: 0,
    infos: 1,
  },
  {
    name: 'a name that the directory knows is real even where the host does not know it',
    events: many(10, (n) => failed(at + n * second, 'alice', evil, 'invalid_user')),
    world: { directory: { person: (user) => (user === 'alice' ? person('alice') : null) } },
    alerts: 1,
  },
  {
    name: 'a scanner that also tries root thirty times is noise',
    events: many(30, (n) => failed(at + n * second, 'root', evil)),
    alerts: 0,
  },
  {
    name: 'root tried a hundred times is not',
    events: many(100, (n) => failed(at + n * second, 'root', evil)),
    alerts: 1,
  },
  {
    name: 'a dictionary of common names that meets a few real ones is noise',
    events: many(60, (n) =>
      failed(at + n * minute, `common${n}`, evil, n % 12 === 0 ? 'bad_password' : 'invalid_user'),
    ),
    alerts: 0,
    infos: 1,
  },
  {
    name: 'forty people whose passwords expired fail twice in the office and get in',
    events: many(40, (n) => [
      failed(at + n * 20 * second, `user${n}`, '10.1.0.9'),
      failed(at + n * 20 * second + 5 * second, `user${n}`, '10.1.0.9'),
      entered(at + n * 20 * second + 90 * second, `user${n}`, '10.1.0.9'),
    ]).flat(),
    world: { directory: { knownNetwork: () => ({ kind: 'office', site: 'a', account: null }) } },
    alerts: 0,
  },
  {
    name: 'expired passwords are no failures',
    events: many(50, (n) => failed(at + n * second, 'alice', evil, 'password_expired')),
    alerts: 0,
  },
  {
    name: 'a script with an old password at its usual address is a finding',
    events: [
      ...many(20, (n) => entered(at + n * day, 'backup-job', '10.9.0.4')),
      ...many(200, (n) => failed(at + 20 * day + n * 5 * minute, 'backup-job', '10.9.0.4')),
    ],
    alerts: 0,
    infos: 1,
  },
]
for (const { name, events, world, alerts, infos } of cases)
  test(name, (t) => {
    const watch = watched(
      events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)),
      world,
    )
    t.is(watch.alerts().length, alerts, JSON.stringify(watch.alerts(), null, 1))
    if (infos !== undefined) t.is(watch.infos().length, infos, JSON.stringify(watch.infos(), null, 1))
  })

test('ten thousand failures of one address are one alert with the right count', (t) => {
  const watch = watched(many(10_000, (n) => failed(at + n * 3 * second, `user${n % 40}`, evil)))
  t.is(watch.all().length, 1)
  t.like(watch.alerts()[0], { rule: 'auth-failures', count: 10_000, sourceIp: evil, severity: 'medium' })
})

test('the same address a day later is another incident', (t) => {
  const burst = (fromMs: number) => many(12, (n) => failed(fromMs + n * second, 'alice', evil))
  t.is(watched([...burst(at), ...burst(at + day)]).alerts().length, 2)
})

test('a failure that is some seconds late changes neither the alert nor its number', (t) => {
  const burst = many(30, (n) => failed(at + n * second, 'alice', evil))
  const inOrder = watched(burst).alerts()
  const late = watched([...burst.slice(3), ...burst.slice(0, 3)])
  t.deepEqual(
    late.alerts().map(({ id, count }) => ({ id, count })),
    inOrder.map(({ id, count }) => ({ id, count })),
  )
  t.is(late.all().length, 1)
})

test('what is remembered of a network and a user stays small under a hundred thousand hostile attempts', (t) => {
  const hostile = function* () {
    const one = failed(at, 'x', evil)
    for (let n = 0; n < 100_000; n++) {
      const user = `user${(n * 7919) % 5_000}-${'x'.repeat(60)}`
      const reason = n % 3 === 0 ? 'invalid_user' : 'bad_password'
      yield {
        ...one,
        user,
        reason,
        sourceIp: `203.0.${n % 300 > 255 ? 1 : 113}.${n % 256}`,
        at: new Date(at + n * 100).toISOString(),
      } as SessionEvent
    }
  }
  for (const rule of rules) t.true(mostStateBytes(rule, hostile()) <= 20_000, rule.entity)
})

test('a scanner is forgotten when it was gone for days, a network that people use is not', (t) => {
  const scanner = watched(many(20, (n) => failed(at + n, `nobody${n}`, evil, 'invalid_user'))).entities.get(
    'network:203.0.113.0/24',
  )!
  const office = watched([entered(at, 'alice', evil)]).entities.get('network:203.0.113.0/24')!
  const isOver = (state: unknown, nowMs: number) => authFailuresAddress.isOver!(state as never, nowMs)
  t.false(isOver(scanner.tip.rules['auth-failures'], at + hour))
  t.true(isOver(scanner.tip.rules['auth-failures'], at + 3 * day))
  t.false(isOver(office.tip.rules['auth-failures'], at + 3 * day))
})
