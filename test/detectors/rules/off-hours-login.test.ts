import test from 'ava'
import type { Geo } from '#detectors/geo/geo.ts'
import type { AnyRule } from '#detectors/rule.ts'
import { offHoursLogin } from '#detectors/rules/off-hours-login.ts'
import { directoryOf } from '#test/helpers/directory-of.ts'
import { type Login, type RunOptions, runRule, workingWeeks } from '#test/helpers/rule-run.ts'

const rule = offHoursLogin as AnyRule
const home = '198.51.100.7'
const monday = '2026-01-05'
const berlin = { people: [{ user: 'alice', zone: 'Europe/Berlin', country: 'DE' }] }
const withZone = { directory: directoryOf(berlin) }
const weeks = workingWeeks(monday, 8) // to 27 February, 09:00 to 15:00 in Berlin

type Case = [title: string, logins: Login[], options: RunOptions, severities: string[]]

const cases: Case[] = [
  ['a login within office hours is no alert', [...weeks, { at: '2026-03-03T09:00Z', ip: home }], withZone, []],
  ['a login at three in the night is one', [...weeks, { at: '2026-03-03T02:00Z', ip: home }], withZone, ['low']],
  [
    'a login at three in the night is one when no directory tells of the user',
    [...weeks, { at: '2026-03-03T02:00Z', ip: home }],
    {},
    ['low'],
  ],
  [
    'hours are those of the user: nine in the morning in Tokyo is the middle of the night in UTC',
    [
      ...workingWeeks(monday, 8, { hours: [0, 3, 6] }),
      { at: '2026-03-03T01:30Z', ip: home },
      { at: '2026-03-03T17:30Z', ip: home },
    ],
    { directory: directoryOf({ people: [{ user: 'alice', zone: 'Asia/Tokyo' }] }) },
    ['low'],
  ],
  [
    'without a directory the night of somebody in Tokyo is told from their day by the past alone',
    [
      ...workingWeeks(monday, 8, { hours: [0, 3, 6] }),
      { at: '2026-03-03T01:30Z', ip: home },
      { at: '2026-03-03T17:30Z', ip: home },
    ],
    {},
    ['low'],
  ],
  [
    'somebody who always came in the morning may come in the afternoon, and is not expected in the night',
    [
      ...workingWeeks(monday, 8, { hours: [8] }),
      { at: '2026-03-03T16:30Z', ip: home },
      { at: '2026-03-05T02:00Z', ip: home },
    ],
    {},
    ['low'],
  ],
  ['an evening of a working day is no alert', [...weeks, { at: '2026-03-03T21:30Z', ip: home }], withZone, []],
  [
    'two late evenings do not make the small hours usual',
    [
      ...weeks,
      { at: '2026-02-10T21:10Z', ip: home },
      { at: '2026-02-19T21:20Z', ip: home },
      { at: '2026-03-03T00:40Z', ip: home },
    ],
    withZone,
    ['low'],
  ],
  [
    'somebody who works from noon to midnight is not expected at five',
    [
      ...workingWeeks(monday, 8, { hours: [12, 15, 18, 21, 23] }),
      { at: '2026-03-03T00:30Z', ip: home },
      { at: '2026-03-05T04:00Z', ip: home },
    ],
    withZone,
    ['low'],
  ],
  [
    'nights around midnight excuse nobody before dawn',
    [
      ...weeks,
      { at: '2026-03-03T23:30Z', ip: home },
      { at: '2026-03-10T23:40Z', ip: home },
      { at: '2026-03-17T04:30Z', ip: home },
    ],
    withZone,
    ['low', 'low', 'low'],
  ],
  ['overtime of some hours is no alert', [...weeks, { at: '2026-03-03T17:30Z', ip: home }], withZone, []],
  [
    'somebody who regularly begins at six is not alerted for it',
    [...workingWeeks(monday, 8, { hours: [5, 9, 12] }), { at: '2026-03-03T05:10Z', ip: home }],
    withZone,
    [],
  ],
  [
    'nobody is alerted in their first two weeks',
    [...workingWeeks(monday, 1), { at: '2026-01-13T02:00Z', ip: home }],
    withZone,
    [],
  ],
  [
    'nobody is alerted before twenty logins, however long it takes',
    [...workingWeeks(monday, 8, { hours: [9], weekdays: [1] }), { at: '2026-03-04T02:00Z', ip: home }],
    withZone,
    [],
  ],
  [
    'the policy may want a longer learning period',
    [...weeks, { at: '2026-03-03T02:00Z', ip: home }],
    { directory: directoryOf({ ...berlin, policy: { learningDays: 90 } }) },
    [],
  ],
  [
    'ten logins of one night are one alert with a count of ten',
    [
      ...weeks,
      ...Array.from({ length: 10 }, (_, n) => ({ at: Date.parse('2026-03-03T22:30Z') + n * 1_200_000, ip: home })),
    ],
    withZone,
    ['low'],
  ],
  [
    'the night after is another alert',
    [...weeks, { at: '2026-03-03T02:00Z', ip: home }, { at: '2026-03-04T02:00Z', ip: home }],
    withZone,
    ['low', 'low'],
  ],
  [
    'whoever was there on two nights before is there at night at times, rota or not',
    [
      ...weeks,
      { at: '2026-03-03T02:00Z', ip: home },
      { at: '2026-03-05T01:00Z', ip: home },
      { at: '2026-03-18T23:00Z', ip: home },
    ],
    withZone,
    ['low', 'low'],
  ],
  [
    'nights on call while learning count as nights',
    [
      ...workingWeeks(monday, 1),
      { at: '2026-01-13T01:00Z', ip: home },
      { at: '2026-01-15T00:30Z', ip: home },
      ...workingWeeks('2026-01-19', 6),
      { at: '2026-03-03T03:00Z', ip: home },
    ],
    withZone,
    [],
  ],
  [
    'nights excuse nobody who comes from where they never were',
    [
      ...weeks,
      { at: '2026-03-03T02:00Z', ip: home },
      { at: '2026-03-05T01:00Z', ip: home },
      { at: '2026-03-18T23:00Z', ip: '203.0.113.5' },
    ],
    withZone,
    ['low', 'low', 'medium'],
  ],
  [
    'on call by the rota, an hour before the duty begins, is no alert',
    [...weeks, { at: '2026-03-03T21:15Z', ip: home }, { at: '2026-03-04T02:00Z', ip: home }],
    {
      directory: directoryOf({
        ...berlin,
        rota: [{ user: 'alice', type: 'oncall', start: '2026-03-03T22:00Z', end: '2026-03-04T06:00Z' }],
      }),
    },
    [],
  ],
  [
    'the duty of somebody else excuses nobody',
    [...weeks, { at: '2026-03-04T02:00Z', ip: home }],
    {
      directory: directoryOf({
        ...berlin,
        rota: [{ user: 'bob', type: 'oncall', start: '2026-03-03T22:00Z', end: '2026-03-04T06:00Z' }],
      }),
    },
    ['low'],
  ],
  [
    'a swap that is not in the rota is no alert for somebody who works in shifts',
    [...weeks, { at: '2026-03-04T02:00Z', ip: home }],
    { directory: directoryOf({ people: [{ ...berlin.people[0], schedule: 'shift' }] }) },
    [],
  ],
  [
    'shifts round the clock, of which nobody told the directory, are no alerts',
    [
      ...workingWeeks(monday, 1, { hours: [6, 9, 12] }),
      ...workingWeeks('2026-01-12', 1, { hours: [14, 17, 20] }),
      ...workingWeeks('2026-01-19', 3, { hours: [6, 9, 14, 17, 21] }),
      ...workingWeeks('2026-02-09', 1, { hours: [22] }),
    ],
    {},
    [],
  ],
  [
    'work at night under a ticket is told and no alert',
    [...weeks, { at: '2026-03-03T02:00Z', ip: home }],
    {
      directory: directoryOf({
        ...berlin,
        tickets: [{ id: 'T7', type: 'migration', users: ['alice'], start: '2026-03-02', end: '2026-03-04' }],
      }),
    },
    ['info'],
  ],
  [
    'maintenance of that bastion is told, that of another excuses nothing',
    [...weeks, { at: '2026-03-03T02:00Z', ip: home }, { at: '2026-03-05T02:00Z', ip: home, bastion: 'b2' }],
    {
      directory: directoryOf({
        ...berlin,
        maintenance: [{ id: 'M1', bastions: ['b1'], start: '2026-03-01T00:00Z', end: '2026-03-09T00:00Z' }],
      }),
    },
    ['info', 'low'],
  ],
  [
    'a planned journey explains the hours',
    [...weeks, { at: '2026-03-03T02:00Z', ip: '203.0.113.5' }],
    {
      directory: directoryOf({
        ...berlin,
        travel: [{ user: 'alice', country: 'JP', start: '2026-03-01', end: '2026-03-09' }],
      }),
    },
    ['info'],
  ],
  [
    'a journey that nobody planned is no alert any more when it shows to be one, and silent from then on',
    [
      ...weeks,
      ...['2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05'].flatMap((day) =>
        ['00:30', '02:00', '22:15'].map((time) => ({ at: `${day}T${time}Z`, ip: '203.0.113.5' })),
      ),
    ],
    withZone,
    ['info', 'info'],
  ],
  [
    'somebody at night in a new place, while the user goes on at home, stays an alert',
    [
      ...weeks,
      { at: '2026-03-03T01:00Z', ip: '203.0.113.5' },
      { at: '2026-03-03T08:00Z', ip: home },
      { at: '2026-03-03T23:00Z', ip: '203.0.113.5' },
      { at: '2026-03-04T01:00Z', ip: '203.0.113.5' },
    ],
    withZone,
    ['medium', 'medium'],
  ],
  [
    'back from a journey, a night from where it went is judged again',
    [
      ...weeks,
      ...['2026-03-02', '2026-03-03'].flatMap((day) =>
        ['00:30', '02:00', '22:15'].map((time) => ({ at: `${day}T${time}Z`, ip: '203.0.113.5' })),
      ),
      { at: '2026-03-06T08:00Z', ip: home },
      { at: '2026-03-10T02:00Z', ip: '203.0.113.5' },
    ],
    withZone,
    ['info', 'info', 'medium'],
  ],
  [
    'attempts that failed before, and leave, make it worse',
    [...weeks, { at: '2026-03-03T02:00Z', ip: '203.0.113.5', origin: { failures: 5 } }],
    { directory: directoryOf({ ...berlin, leave: [{ user: 'alice', start: '2026-03-01', end: '2026-03-09' }] }) },
    ['high'],
  ],
  [
    'a look in from leave in daytime is no alert',
    [...weeks, { at: '2026-03-03T10:00Z', ip: home }],
    { directory: directoryOf({ ...berlin, leave: [{ user: 'alice', start: '2026-03-01', end: '2026-03-09' }] }) },
    [],
  ],
  [
    'work on a holiday in daytime is no alert, in its night it is',
    [...weeks, { at: '2026-03-03T10:00Z', ip: home }, { at: '2026-03-04T00:30Z', ip: home }],
    { directory: directoryOf({ ...berlin, holidays: [{ country: 'DE', date: '2026-03-03' }] }) },
    ['low'],
  ],
  [
    'a Sunday of somebody who never came on one is alerted after six weeks',
    [...weeks, { at: '2026-03-01T10:00Z', ip: home }],
    withZone,
    ['low'],
  ],
  [
    'a Sunday of somebody who came on one before is not',
    [
      ...workingWeeks(monday, 2),
      { at: '2026-01-18T10:00Z', ip: home },
      ...workingWeeks('2026-01-19', 6),
      { at: '2026-03-01T10:00Z', ip: home },
    ],
    withZone,
    [],
  ],
  [
    'the week of daylight saving is like any other',
    [...workingWeeks('2026-02-02', 8, { hours: [6, 9, 15] }), ...workingWeeks('2026-03-30', 2, { hours: [5, 8, 14] })],
    withZone,
    [],
  ],
  [
    'somebody who moves takes the habits along',
    [...weeks, ...workingWeeks('2026-03-02', 2, { hours: [14, 17, 20] })],
    {
      directory: directoryOf({
        people: [{ ...berlin.people[0], zoneHistory: [{ zone: 'America/New_York', from: '2026-03-01' }] }],
      }),
    },
    [],
  ],
  [
    'a person that the directory knows from some day on keeps the hours learned before',
    [
      ...workingWeeks(monday, 8, { hours: [0, 3, 6] }),
      { at: '2026-03-03T22:50Z', ip: home },
      { at: '2026-03-04T16:00Z', ip: home },
    ],
    { directory: directoryOf({ people: [{ user: 'alice', zone: 'Asia/Tokyo', joined: '2026-02-20' }] }) },
    ['low'],
  ],
  [
    'a machine that comes at three every night is expected then, and alerted at noon',
    [
      ...workingWeeks(monday, 8, { hours: [3], weekdays: [0, 1, 2, 3, 4, 5, 6] }),
      { at: '2026-03-03T03:05Z', ip: home },
      { at: '2026-03-04T11:00Z', ip: home },
    ],
    { directory: directoryOf({ people: [{ user: 'alice', zone: 'UTC', accountType: 'service' }] }) },
    ['medium'],
  ],
  [
    'history that comes in later teaches and alerts nothing',
    [...weeks, { at: '2025-12-03T02:00Z', ip: home, isHistory: true }],
    withZone,
    [],
  ],
  [
    'an office network or one of several people is no new place',
    [...weeks, { at: '2026-03-03T02:00Z', ip: '203.0.113.5', origin: { networkUsers: 3 } }],
    withZone,
    ['low'],
  ],
]

for (const [title, logins, options, severities] of cases) {
  test(title, (t) => {
    const ordered = logins.every(({ isHistory }) => !isHistory)
      ? logins.toSorted((a, b) => +new Date(a.at) - +new Date(b.at))
      : logins
    const { findings } = runRule(rule, ordered, options)
    t.deepEqual(
      findings.map(({ severity }) => severity),
      severities,
      findings.map(({ title }) => title).join('\n'),
    )
  })
}

test('of a user who never logged in nothing is kept', (t) => {
  t.true(rule.isOver?.(rule.initial(), 0))
  t.false(rule.isOver?.(runRule(rule, weeks).state, Date.parse('2026-03-03T10:00Z')))
})

test('says what was seen, what was expected, and on what that rests', (t) => {
  const night = [0, 10, 20].map((minutes) => ({ at: Date.parse('2026-03-03T02:04Z') + minutes * 60_000, ip: home }))
  const [alert] = runRule(rule, [...weeks, ...night], withZone).alerts
  t.like(alert, {
    title: 'alice logged in at an unusual hour: Tuesday 2026-03-03 03:04',
    count: 3,
    bastion: 'b1',
    sourceIp: home,
    user: 'alice',
    firstEventMs: night[0]!.at,
    lastEventMs: night[2]!.at,
    baseline: {
      observed: 'Tuesday 2026-03-03 03:04',
      expected: 'logins at 09:00-18:00',
      historySize: 120,
      historyDays: 57,
    },
  })
  t.is(alert!.sessionIds?.length, 3)
  t.is(alert!.sessionIds?.[0], 's 2026-03-03T02:04:00.000Z')
  t.regex(alert!.explanation, /57 days and 120 logins/)
})

test('a provider that the database knows is one place', (t) => {
  const geoOf = (asn: number): Geo => ({
    country: 'DE',
    city: null,
    latitude: null,
    longitude: null,
    radiusKm: null,
    asn,
    organisation: null,
  })
  const geo = (ip: string) => geoOf(ip.startsWith('198.') || ip === '203.0.113.5' ? 64500 : 64501)
  const at = '2026-03-03T02:00Z'
  t.is(runRule(rule, [...weeks, { at, ip: '203.0.113.5' }], { ...withZone, geo }).alerts[0]?.severity, 'low')
  t.is(runRule(rule, [...weeks, { at, ip: '192.0.2.5' }], { ...withZone, geo }).alerts[0]?.severity, 'medium')
})
