import test from 'ava'
import type { Person } from '#detectors/directory/directory.ts'
import type { AnyRule } from '#detectors/rule.ts'
import { recordingGapBastion } from '#detectors/rules/recording-gap-bastion.ts'
import { recordingGapUser } from '#detectors/rules/recording-gap-user.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { quietDirectory } from '#test/helpers/quiet-directory.ts'
import { createDay, day, happened, hour, minute, monday, mostStateBytes, second, type World } from './day.ts'

const rules = [recordingGapUser, recordingGapBastion] as AnyRule[]
const at = monday + 9 * hour
const many = <T>(count: number, one: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => one(n))
const ends = { sourceIp: '198.51.100.4', sourcePort: 40_000, sessionId: 's1' }

const login = (timeMs: number, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'login', { ...ends, ...fields })
const started = (timeMs: number, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'session_started', {
    ...ends,
    source: 'sudo',
    protocol: 'ssh',
    tty: true,
    recorded: true,
    ...fields,
  })
const ended = (timeMs: number, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'session_ended', { ...ends, durationMs: 1, outBytes: 0, inBytes: 0, recorded: false, ...fields })
/** As sshd's log has it, which knows no session of ours. */
const channel = (timeMs: number, number: number): SessionEvent =>
  started(timeMs, { source: 'openssh', recorded: false, sessionId: null, channel: number })
/** As the log of the bastion itself has it. */
const local = (timeMs: number, ttyName: string | null, fields: Record<string, unknown> = {}): SessionEvent =>
  started(timeMs, {
    ...{ source: 'auth-log', recorded: false, protocol: 'sudo', connectionId: `stay ${timeMs}`, ttyName },
    ...{ sessionId: null, sourceIp: null, sourcePort: null, ...fields },
  })
const health = (timeMs: number, status: string, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'recorder_health', { source: 'agent', user: null, status, ...fields })
const past = many(20, (n) => {
  const about = { sessionId: `old${n}`, sourcePort: 1_000 + n }
  return [login(at - (20 - n) * day, about), started(at - (20 - n) * day + second, about)]
}).flat()
const policy = (fields: object): World => ({ directory: { policy: { ...quietDirectory.policy, ...fields } } })

const breakGlass: Person = {
  ...{ user: 'alice', name: null, role: null, team: null, country: null, accountType: 'breakGlass', shared: true },
  ...{ joinedMs: null, leftMs: null, schedule: 'office' },
}

type Case = { name: string; events: SessionEvent[]; world?: World; gaps: string[]; infos?: number }
const cases: Case[] = [
  { name: 'a login that is recorded', events: [login(at), started(at + second)], gaps: [] },
  { name: 'a recording that begins before its login is logged', events: [started(at), login(at + second)], gaps: [] },
  {
    name: 'a recording that is found by the ends of the connection',
    events: [login(at, { sessionId: 'other' }), started(at + second)],
    gaps: [],
  },
  {
    name: 'a recording that is found by the connection',
    events: [
      login(at, { sessionId: null, sourcePort: null, connectionId: 'c' }),
      started(at + second, { sourcePort: null, connectionId: 'c' }),
    ],
    gaps: [],
  },
  { name: 'a login that nothing follows', events: [...past, login(at)], gaps: ['missing'] },
  {
    name: 'a session that another source saw, and no recorder',
    events: [...past, login(at), started(at + second, { source: 'openssh', recorded: false })],
    gaps: ['missing'],
  },
  {
    name: 'a session that sshd saw too',
    events: [
      login(at),
      started(at + second, { source: 'openssh', recorded: false, sessionId: 'x' }),
      started(at + 2 * second),
      ended(at + hour, { sessionId: 'x' }),
    ],
    gaps: [],
  },
  {
    name: 'a login and a disconnect without anything between',
    events: [...past, login(at), ended(at + 20 * second)],
    gaps: ['tunnel_only'],
  },
  {
    name: 'an hour of forwarding',
    events: [...past, login(at), ended(at + hour, { channels: 0 })],
    gaps: ['tunnel_only'],
  },
  {
    name: 'forwarding where it is wanted',
    events: [...past, login(at), ended(at + 20 * second, { channels: 0 })],
    gaps: [],
    world: { settings: { recordingGap: { allowTunnels: true } } },
  },
  {
    name: 'a session whose recorder was lost',
    events: [...past, login(at), started(at + second), ended(at + hour, { source: 'sudo' })],
    gaps: ['recorder_killed'],
  },
  {
    name: 'a recorded session whose end only sshd saw',
    events: [...past, login(at), started(at + second), ended(at + hour)],
    gaps: ['recorder_killed'],
  },
  {
    name: 'a recorded session whose end sshd saw before its recorder said so',
    events: [
      ...past,
      login(at),
      started(at + second),
      ended(at + hour),
      ended(at + hour + 5 * second, { source: 'sudo', recorded: true }),
    ],
    gaps: [],
  },
  {
    name: 'a recorded session whose end sshd saw after its recorder said so',
    events: [
      ...past,
      login(at),
      started(at + second),
      ended(at + hour, { source: 'sudo', recorded: true }),
      ended(at + hour + second),
    ],
    gaps: [],
  },
  {
    name: 'a second session on a recorded connection that no recorder saw',
    events: [
      ...past,
      login(at),
      channel(at + second, 0),
      started(at + 2 * second),
      channel(at + hour, 1),
      ended(at + 2 * hour, { sessionId: null }),
    ],
    gaps: ['missing'],
  },
  {
    name: 'several sessions on one connection, each with its recording, in any order within it',
    events: [
      ...past,
      login(at),
      channel(at + second, 0),
      channel(at + 1.1 * second, 1),
      started(at + 2 * second),
      started(at + 2.5 * second, { sessionId: 's2' }),
      started(at + hour, { sessionId: 's3' }),
      channel(at + hour + second, 0),
      ended(at + 2 * hour, { sessionId: 's2', source: 'sudo', recorded: true }),
      channel(at + 3 * hour, 0),
      started(at + 3 * hour + 5 * second, { sessionId: 's4' }),
    ],
    gaps: [],
  },
  {
    name: 'a sudo at a terminal of the bastion that nobody recorded',
    events: [...past, local(at, 'pts/3'), ended(at + hour, { source: 'auth-log', connectionId: `stay ${at}` })],
    gaps: ['missing'],
  },
  { name: 'a sudo that is recorded itself', events: [local(at, 'pts/3'), started(at + second)], gaps: [], infos: 0 },
  {
    name: 'a sudo and a console inside of and beside a recorded session',
    events: [...past, login(at), started(at + second), local(at + hour, 'pts/3'), local(at + hour + second, 'tty1')],
    gaps: ['missing'],
  },
  {
    name: 'a sudo after the recorded session has ended',
    events: [
      ...past,
      login(at),
      started(at + second),
      ended(at + hour, { source: 'sudo', recorded: true }),
      local(at + 2 * hour, 'pts/3'),
    ],
    gaps: ['missing'],
  },
  {
    name: 'a user who is exempt',
    events: [login(at)],
    gaps: [],
    infos: 0,
    world: policy({ recordingExempt: new Set(['alice']) }),
  },
  {
    name: 'where no recording is required',
    events: [login(at)],
    gaps: [],
    infos: 0,
    world: policy({ recordingRequired: false }),
  },
  { name: 'maintenance', events: [login(at)], gaps: [], infos: 1, world: { directory: { isMaintenance: () => true } } },
  {
    name: 'break-glass with a ticket',
    events: [login(at)],
    gaps: [],
    infos: 1,
    world: { directory: { tickets: () => [{ id: 'T', type: 'break-glass' }] } },
  },
  {
    name: 'an old log that is imported',
    events: [login(at, { receivedAt: new Date(at + 30 * day).toISOString() })],
    gaps: [],
    infos: 0,
  },
  {
    name: 'an account that is never recorded is told three times',
    events: many(30, (n) => login(at + n * hour, { sessionId: `n${n}`, sourcePort: n })),
    gaps: ['missing', 'missing', 'missing'],
  },
]
for (const { name, events, world, gaps, infos } of cases)
  test(`${name}: ${gaps.join(', ') || 'no alert'}`, (t) => {
    const watch = createDay(rules, world)
    watch.take(...events)
    watch.tick(at + 2 * day)
    t.deepEqual(
      watch.alerts().map(({ gap }) => gap),
      gaps,
      JSON.stringify(watch.alerts(), null, 1),
    )
    if (infos !== undefined) t.is(watch.infos().length, infos)
  })

test('every login of the break-glass account is high, however many there were, and never a habit', (t) => {
  const watch = createDay(rules, { directory: { person: () => breakGlass } })
  watch.take(...many(30, (n) => login(at + n * hour, { sessionId: `n${n}`, sourcePort: n })))
  watch.tick(at + 2 * day)
  t.is(watch.alerts().length, 30)
  for (const alert of watch.alerts())
    t.like(alert, {
      severity: 'high',
      gap: 'missing',
      title: 'alice, the break-glass account, logged in and was not recorded',
    })
})

test('a recording that arrives minutes late leaves no alert behind', (t) => {
  const watch = createDay(rules)
  watch.take(...past, login(at))
  watch.tick(at + 2 * minute)
  t.is(watch.alerts().length, 1)
  watch.take(started(at + second))
  t.is(watch.alerts().length, 0)
})

test('a recording that begins late resolves the alert', (t) => {
  const watch = createDay(rules)
  watch.take(...past, login(at), started(at + 5 * minute))
  t.deepEqual(
    watch.alerts().map(({ gap, status, severity, sessionId }) => ({ gap, status, severity, sessionId })),
    [{ gap: 'missing', status: 'resolved', severity: 'high', sessionId: 's1' }],
  )
})

const beats = (fromMs: number, count: number, fields = {}) =>
  many(count, (n) => health(fromMs + n * 5 * minute, 'ok', fields))

test('an agent that misses two beats is not silent, one that misses five is, until it is back', (t) => {
  const watch = createDay(rules)
  watch.take(...beats(at, 4), ...beats(at + 30 * minute, 3))
  t.is(watch.alerts().length, 0)
  watch.tick(at + 40 * minute + 21 * minute)
  t.like(watch.alerts()[0], { gap: 'agent_silent', bastion: 'b1', status: 'open', severity: 'high' })
  watch.take(health(at + 2 * hour, 'ok'))
  t.deepEqual(
    watch.alerts().map(({ status }) => status),
    ['resolved'],
  )
})

test('an agent that was stopped and is back within minutes was restarted', (t) => {
  const watch = createDay(rules)
  watch.take(...beats(at, 3), health(at + 11 * minute, 'stopped'), ...beats(at + 13 * minute, 20))
  t.is(watch.all().length, 0)
})

test('an agent that was stopped and stays away records nobody', (t) => {
  const watch = createDay(rules)
  watch.take(...beats(at, 3), health(at + 11 * minute, 'stopped'))
  watch.tick(at + hour)
  t.like(watch.alerts()[0], { gap: 'agent_stopped', severity: 'medium', status: 'open', bastion: 'b1' })
  watch.take(...beats(at + 2 * hour, 3))
  t.deepEqual(
    watch.alerts().map(({ status }) => status),
    ['resolved'],
  )
})

test('an agent in maintenance is not silent', (t) => {
  const maintained = createDay(rules, { directory: { isMaintenance: (_, timeMs) => timeMs < at + 3 * hour } })
  maintained.take(...beats(at, 3), ...beats(at + 2 * hour, 20))
  t.is(maintained.all().length, 0)
})

test('what the servers report of a bastion is no sign of life', (t) => {
  const watch = createDay(rules)
  watch.take(...beats(at, 3), ...beats(at + 12 * minute, 10, { source: 'ingest' }))
  t.deepEqual(
    watch.alerts().map(({ gap }) => gap),
    ['agent_silent'],
  )
})

test('twenty sessions that a killed recorder cuts are one alert of the bastion', (t) => {
  const watch = createDay(rules)
  watch.take(...many(20, (n) => health(at + n * second, 'killed', { sessionId: `s${n}`, detail: 'signal 9' })))
  t.is(watch.all().length, 1)
  t.like(watch.alerts()[0], { gap: 'recorder_killed', count: 20, bastion: 'b1', severity: 'high' })
  t.is(watch.alerts()[0]!.sessionIds.length, 20)
})

const iso = (ms: number) => new Date(ms).toISOString()
const notHeard = (sinceMs: number, fields: Record<string, unknown> = {}) => {
  const about = { source: 'ingest', silentSince: iso(sinceMs), everyMs: 10_000 }
  return health(sinceMs + 32 * second, 'stopped', { ...about, ...fields })
}
const heardAgain = (sinceMs: number, untilMs: number) =>
  health(untilMs, 'ok', { source: 'ingest', silentSince: iso(sinceMs), silentUntil: iso(untilMs) })

test('an agent that ingest does not hear any more is silent within half a minute, until it is heard', (t) => {
  const watch = createDay(rules)
  watch.take(...beats(at, 3), notHeard(at + 12 * minute))
  t.like(watch.alerts()[0], {
    ...{ gap: 'agent_silent', severity: 'high', status: 'open', bastion: 'b1' },
    firstEventAt: iso(at + 12 * minute),
    at: iso(at + 12 * minute + 32 * second),
  })
  watch.take(heardAgain(at + 12 * minute, at + 13 * minute))
  watch.tick(at + 30 * minute)
  t.deepEqual(
    watch.alerts().map(({ gap, status }) => [gap, status]),
    [['agent_silent', 'resolved']],
  )
})

test('that nobody hears an agent is no alert where it said that it stops, nor in maintenance', (t) => {
  const watch = createDay(rules)
  watch.take(...beats(at, 3), health(at + 11 * minute, 'stopped'), notHeard(at + 11 * minute))
  t.is(watch.all().length, 0)
  const maintained = createDay(rules, { directory: { isMaintenance: () => true } })
  maintained.take(...beats(at, 3), notHeard(at + 11 * minute))
  t.is(maintained.all().length, 0)
})

const cut = (n: number, fields: Record<string, unknown> = {}) =>
  health(at + n * second, 'stopped', { source: 'ledger', gap: 'truncated', sessionId: `s${n}`, ...fields })

test('sessions that are cut short are one alert of the bastion, and over when the rest of each has arrived', (t) => {
  const watch = createDay(rules)
  watch.take(cut(1), cut(2))
  t.is(watch.all().length, 1)
  t.like(watch.alerts()[0], { gap: 'truncated', count: 2, severity: 'medium', sessionIds: ['s1', 's2'] })
  const arrived = (n: number) => cut(60 + n, { sessionId: `s${n}`, status: 'ok', gap: null })
  watch.take(arrived(1))
  t.like(watch.alerts()[0], { gap: 'truncated', status: 'open', sessionIds: ['s2'] })
  watch.take(arrived(2), arrived(7))
  t.deepEqual(
    watch.alerts().map(({ gap, status }) => [gap, status]),
    [['truncated', 'resolved']],
  )
})

test('what is remembered of logins and agents stays small', (t) => {
  const [one, start, bad] = [login(at), started(at), health(at, 'killed')]
  const hostile = function* (kind: string) {
    for (let n = 0; n < 100_000; n++) {
      const id = `${n}`.padStart(64, 'x')
      const about = {
        id,
        sessionId: id,
        connectionId: 'c'.repeat(900),
        at: new Date(at + n * second).toISOString(),
        sourcePort: n % 60_000,
        detail: 'd'.repeat(n % 900),
      }
      yield { ...(kind === 'bastion' ? bad : n % 3 ? one : start), ...about } as SessionEvent
    }
  }
  for (const rule of rules) t.true(mostStateBytes(rule, hostile(rule.entity)) <= 20_000, rule.entity)
})
