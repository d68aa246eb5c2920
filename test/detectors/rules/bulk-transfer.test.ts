import test from 'ava'
import type { AnyRule } from '#detectors/rule.ts'
import { bulkTransfer } from '#detectors/rules/bulk-transfer.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { createDay, day, happened, hour, minute, monday, mostStateBytes, second, type World } from './day.ts'

const rules = [bulkTransfer] as AnyRule[]
const megabyte = 1_000_000
const many = <T>(count: number, one: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => one(n))
const today = monday + 35 * day + 10 * hour // a Monday, far from the end of a month

const login = (timeMs: number): SessionEvent => happened(timeMs, 'login', { sessionId: null })
const file = (timeMs: number, sizeBytes: number, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'file_transfer', { direction: 'download', sizeBytes, protocol: 'sftp', sessionId: 's1', ...fields })
const ended = (timeMs: number, outBytes: number, fields: Record<string, unknown> = {}): SessionEvent =>
  happened(timeMs, 'session_ended', {
    durationMs: hour,
    outBytes,
    inBytes: 0,
    recorded: true,
    sessionId: 's1',
    ...fields,
  })

/** Thirty working days with a login each, and what was moved on them. */
const history = (each: (timeMs: number, n: number) => SessionEvent[]): SessionEvent[] =>
  many(34, (n) => [login(monday + n * day + 9 * hour), ...each(monday + n * day + 10 * hour, n)]).flat()
const quietPast = history((timeMs, n) => (n % 3 === 0 ? [file(timeMs, 2 * megabyte, { sessionId: `old${n}` })] : []))
const nightly = history((timeMs, n) => [file(timeMs, (900 + n) * megabyte, { sessionId: `old${n}`, fileCount: 40 })])

type Case = { name: string; events: SessionEvent[]; world?: World; severities: string[]; infos?: number }
const cases: Case[] = [
  {
    name: 'two hundred files fetched by someone who fetches few',
    events: [...quietPast, ...many(200, (n) => file(today + n * second, 20_000))],
    severities: ['medium'],
  },
  {
    name: 'two hundred files fetched by someone who never fetched any',
    events: [...history(() => []), ...many(200, (n) => file(today + n * second, 20_000))],
    severities: ['medium'],
  },
  {
    name: 'thirty files are fewer than matter',
    events: [...quietPast, ...many(30, (n) => file(today + n, 9_000))],
    severities: [],
  },
  { name: 'two gigabytes in one file', events: [...quietPast, file(today, 2_000 * megabyte)], severities: ['high'] },
  {
    name: 'a table dumped to the terminal',
    events: [...quietPast, ended(today, 400 * megabyte)],
    severities: ['medium'],
  },
  {
    name: 'the end of a session counts nothing twice',
    events: [...quietPast, file(today, 60 * megabyte), ended(today + minute, 60 * megabyte)],
    severities: [],
  },
  {
    name: 'a file that is logged after the end of its session is counted once',
    events: [...quietPast, ended(today, 90 * megabyte), file(today, 90 * megabyte)],
    severities: [],
  },
  {
    name: 'a nested session shows what the one around it shows',
    events: [...quietPast, ended(today, 400 * megabyte, { parentId: 's0' })],
    severities: [],
  },
  {
    name: 'the nightly job as every night',
    events: [...nightly, file(today, 1_100 * megabyte, { fileCount: 50 })],
    severities: [],
  },
  { name: 'ten times the nightly job', events: [...nightly, file(today, 60_000 * megabyte)], severities: ['high'] },
  {
    name: 'a job that runs on each Sunday',
    events: [
      ...history((timeMs, n) => (n % 7 === 6 ? [file(timeMs, 5_000 * megabyte, { sessionId: `old${n}` })] : [])),
      file(monday + 41 * day, 5_300 * megabyte),
    ],
    severities: [],
  },
  {
    name: 'the first end of a month teaches, and the second is like it',
    events: [
      ...history((timeMs, n) =>
        n === 25
          ? [file(timeMs, 9_000 * megabyte, { sessionId: 'old' })]
          : [file(timeMs, 5 * megabyte, { sessionId: `few${n}` })],
      ),
      file(Date.UTC(2026, 1, 28, 10), 11_000 * megabyte),
    ],
    severities: [],
  },
  {
    name: 'the end of a month unlike those before',
    events: [...quietPast, file(Date.UTC(2026, 1, 27, 10), 3_000 * megabyte)],
    severities: ['high'],
  },
  {
    name: 'less than what was fetched once before, and was not alerted then',
    events: [
      ...history((timeMs, n) => [file(timeMs, (n === 3 ? 4_000 : 2) * megabyte, { sessionId: `old${n}` })]),
      file(today, 3_000 * megabyte),
    ],
    severities: [],
  },
  {
    name: 'a machine that copies as much each night, between many small sessions',
    events: [
      ...history((timeMs, n) => [
        file(timeMs, 3_000 * megabyte, { sessionId: `night${n}` }),
        ...many(20, (k) =>
          happened(timeMs + (k + 1) * minute, 'session_ended', {
            sessionId: `small${n}-${k}`,
            durationMs: 1_000,
            outBytes: 5_000,
            inBytes: 200,
            recorded: true,
          }),
        ),
      ]),
      file(today, 3_300 * megabyte, { sessionId: 'tonight' }),
    ],
    severities: [],
  },
  { name: 'somebody new is being learned', events: [login(today), file(today, 3_000 * megabyte)], severities: [] },
  {
    name: 'a handover with a ticket is a finding',
    events: [...quietPast, file(today, 2_000 * megabyte)],
    world: { directory: { tickets: () => [{ id: 'T-1', type: 'data-handover' }] } },
    severities: [],
    infos: 1,
  },
  {
    name: 'three hundred megabytes brought matter little',
    events: [...quietPast, file(today, 300 * megabyte, { direction: 'upload' })],
    severities: [],
  },
  {
    name: 'three gigabytes brought are low',
    events: [...quietPast, file(today, 3_000 * megabyte, { direction: 'upload' })],
    severities: ['low'],
  },
  {
    name: 'ninety megabytes every day of a week by someone who never did',
    events: [
      ...quietPast,
      ...many(7, (n) => [
        login(today + n * day),
        file(today + n * day + hour, 95 * megabyte, { sessionId: `d${n}` }),
      ]).flat(),
    ],
    severities: ['medium'],
  },
]
for (const { name, events, world, severities, infos } of cases)
  test(name, (t) => {
    const watch = createDay(rules, world)
    watch.take(...events)
    t.deepEqual(
      watch.alerts().map(({ severity }) => severity),
      severities,
      JSON.stringify(watch.alerts(), null, 1),
    )
    if (infos !== undefined) t.is(watch.infos().length, infos)
  })

test('it alerts with the file that passes the limit, and the same alert grows', (t) => {
  const watch = createDay(rules)
  watch.take(...quietPast, ...many(199, (n) => file(today + n * second, 10_000)))
  t.is(watch.alerts().length, 0)
  watch.take(file(today + 200 * second, 10_000))
  t.like(watch.alerts()[0], { count: 200, sessionId: 's1', rule: 'bulk-transfer', user: 'alice' })
  watch.take(...many(50, (n) => file(today + (201 + n) * second, 10_000)))
  t.deepEqual(
    watch.alerts().map(({ count, severity }) => ({ count, severity })),
    [{ count: 250, severity: 'medium' }],
  )
})

test('a person whose downloads vary by a factor of five is left alone for a year', (t) => {
  const random = seededRandom(7)
  const size = () =>
    30 * megabyte * Math.exp(0.8 * Math.sqrt(-2 * Math.log(random() + 1e-9)) * Math.cos(2 * Math.PI * random()))
  const watch = createDay(rules)
  for (let n = 0; n < 365; n++) {
    const timeMs = monday + n * day + 10 * hour
    watch.take(login(timeMs), file(timeMs + minute, Math.round(size()), { sessionId: `d${n}` }))
    watch.take(ended(timeMs + hour, Math.round(random() * megabyte), { sessionId: `d${n}` }))
  }
  t.true(watch.alerts().length <= 1, JSON.stringify(watch.alerts().map(({ explanation }) => explanation)))
})

test('what is remembered of a user who moves files all day stays small', (t) => {
  const [one, end] = [file(monday, 1), ended(monday, 1)]
  const hostile = function* () {
    for (let n = 0; n < 100_000; n++) {
      const about = { sessionId: `${n >> 2}`.padStart(64, 'x'), at: new Date(monday + n * 10 * minute).toISOString() }
      if (n % 4 === 3) yield { ...end, ...about, outBytes: n * 1e5 } as SessionEvent
      else yield { ...one, ...about, sizeBytes: n * 1e4, direction: n % 2 ? 'upload' : 'download' } as SessionEvent
    }
  }
  const most = mostStateBytes(bulkTransfer as AnyRule, hostile())
  t.true(most <= 20_000, `${most}`)
})
