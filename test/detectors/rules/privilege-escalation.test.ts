import test from 'ava'
import { parse } from 'shell-quote'
import type { AnyRule } from '#detectors/rule.ts'
import { privilegeEscalation } from '#detectors/rules/privilege-escalation.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { quietDirectory } from '#test/helpers/quiet-directory.ts'
import { createDay, day, happened, hour, minute, monday, mostStateBytes, type World } from './day.ts'

const rules = [privilegeEscalation] as AnyRule[]
const today = monday + 35 * day + 10 * hour
const many = <T>(count: number, one: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => one(n))

const ran = (timeMs: number, line: string, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'command', {
    argv: parse(line).map(String),
    line,
    via: 'exec',
    atMs: 5_000,
    sessionId: 's1',
    ...fields,
  })
const typed = (timeMs: number, line: string, fields: Record<string, unknown> = {}): SessionEvent =>
  ran(timeMs, line, { argv: [], via: 'typed', ...fields })
const changed = (timeMs: number, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'privilege_change', {
    method: 'sudo',
    fromUser: 'alice',
    toUser: 'root',
    sessionId: 's1',
    ...fields,
  })
const past = (each: (timeMs: number, n: number) => SessionEvent[]): SessionEvent[] =>
  many(34, (n) => [happened(monday + n * day, 'login', {}), ...each(monday + n * day + hour, n)]).flat()
const plain = past((timeMs) => [ran(timeMs, 'ls -la', { sessionId: null })])
const admin = past((timeMs, n) => (n % 3 ? [] : [ran(timeMs, 'sudo -i', { sessionId: `old${n}` })]))

type Case = { name: string; events: SessionEvent[]; world?: World; severities: string[]; infos?: number }
const cases: Case[] = [
  {
    name: 'the first sudo -i of a user who is known',
    events: [...plain, ran(today, 'sudo -i')],
    severities: ['medium'],
  },
  {
    name: 'a line that writes rules of sudo, typed where executed commands are seen too',
    events: [
      ...plain,
      ran(today, 'ls'),
      typed(today + minute, "echo 'alice ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/alice"),
    ],
    severities: ['medium'],
  },
  {
    name: 'a line of shell that a recorder calls the words of one command',
    events: [
      ...plain,
      ran(today, "echo 'alice ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/alice", {
        argv: ['echo', 'alice ALL=(ALL) NOPASSWD: ALL', '|', 'sudo', 'tee', '/etc/sudoers.d/alice'],
      }),
    ],
    severities: ['high'],
  },
  { name: 'sudo -i of an administrator who does it daily', events: [...admin, ran(today, 'sudo -i')], severities: [] },
  { name: 'sudo -i of somebody new', events: [ran(today, 'sudo -i')], severities: [] },
  {
    name: 'the rules of sudo edited by somebody new',
    events: [ran(today, 'sudo vim /etc/sudoers')],
    severities: ['high'],
  },
  {
    name: 'the rules of sudo edited by an administrator',
    events: [...admin, ran(today, 'sudo visudo')],
    severities: ['high'],
  },
  {
    name: 'an account that writes rules of sudo every day, although no directory says what it is',
    events: [
      ...past((timeMs) => [ran(timeMs, 'tee /etc/sudoers.d/x', { sessionId: null })]),
      ran(today, 'tee /etc/sudoers.d/y'),
    ].slice(15),
    severities: ['high', 'high', 'high'],
  },
  {
    name: 'configuration management',
    events: [ran(today, 'tee /etc/sudoers.d/x')],
    severities: [],
    infos: 1,
    world: { directory: { policy: { ...quietDirectory.policy, configManagement: new Set(['alice']) } } },
  },
  {
    name: 'a ticket',
    events: [ran(today, 'sudo visudo')],
    severities: [],
    infos: 1,
    world: { directory: { tickets: () => [{ id: 'T', type: 'pentest' }] } },
  },
  {
    name: 'a ticket for something else',
    events: [ran(today, 'sudo visudo')],
    severities: ['high'],
    world: { directory: { tickets: () => [{ id: 'T', type: 'reorganisation' }] } },
  },
  {
    name: 'a runbook that is read',
    events: [...plain, ran(today, 'cat runbook-sudo-i.md'), ran(today, 'grep sudoers notes')],
    severities: [],
  },
  {
    name: 'a line that was typed where nothing is seen to be executed',
    events: [...plain, typed(today, 'sudo -i')],
    severities: ['low'],
  },
  {
    name: 'a line typed into an editor while execs are seen',
    events: [...plain, ran(today, 'vim notes'), typed(today + 1, 'sudo -i')],
    severities: [],
  },
  {
    name: 'a builtin, which nothing executes',
    events: [...plain, ran(today, 'vim notes'), typed(today + 1, 'history -c')],
    severities: ['low'],
  },
  {
    name: 'the wrapper of the recorder',
    events: [...plain, ran(today, 'sudo -u alice /bin/bash /opt/bartizan-session --recorded 12')],
    severities: [],
  },
  { name: 'to become oneself', events: [...plain, changed(today, { toUser: 'alice' })], severities: [] },
  { name: 'to become root, first of all', events: [...plain, changed(today)], severities: ['low'] },
  { name: 'two refusals', events: many(2, (n) => changed(today + n * minute, { outcome: 'failure' })), severities: [] },
  {
    name: 'five refusals',
    events: many(5, (n) => changed(today + n * minute, { outcome: 'failure' })),
    severities: ['medium'],
  },
  {
    name: 'a shell that runs as root',
    events: [...plain, ran(today, 'bash', { runAs: 'root' })],
    severities: ['medium'],
  },
  {
    name: 'the same in a second session of the day',
    events: [...plain, ran(today, 'sudo -i'), ran(today + hour, 'sudo -i', { sessionId: 's2' })],
    severities: ['medium'],
  },
]
for (const { name, events, world, severities, infos } of cases)
  test(`${name}: ${severities.join(', ') || 'no alert'}`, (t) => {
    const watch = createDay(rules, world)
    watch.take(...events)
    t.deepEqual(
      watch.alerts().map(({ severity }) => severity),
      severities,
      JSON.stringify(watch.alerts(), null, 1),
    )
    if (infos !== undefined) t.is(watch.infos().length, infos)
  })

test('several of one session are one alert that grows and leads to the first', (t) => {
  const watch = createDay(rules)
  watch.take(
    ...plain,
    ran(today, 'sudo -i', { atMs: 1_234 }),
    ran(today + minute, 'visudo', { atMs: 61_234, runAs: 'root' }),
  )
  watch.take(ran(today + 2 * minute, 'rm /var/log/auth.log', { atMs: 121_234, runAs: 'root' }))
  const [alert, ...more] = watch.alerts()
  t.deepEqual(more, [])
  t.like(alert, { sessionId: 's1', atMs: 1_234, count: 3, severity: 'high', user: 'alice' })
  t.regex(alert!.explanation, /sudo -i.*visudo.*auth\.log/)
})

test('what is remembered of a user stays small', (t) => {
  const lines = [
    'sudo -i',
    'visudo',
    'history -c',
    'sudo passwd bob',
    'cat /etc/shadow',
    `sudo ${'x'.repeat(3_000)}`,
    'su - bob',
  ]
  const events = lines.map((line) => ran(monday, line))
  const hostile = function* () {
    for (let n = 0; n < 100_000; n++)
      yield {
        ...events[n % events.length]!,
        sessionId: `${n >> 1}`.padStart(64, 's'),
        at: new Date(monday + n * minute).toISOString(),
      } as SessionEvent
  }
  t.true(mostStateBytes(privilegeEscalation as AnyRule, hostile()) <= 20_000)
})
