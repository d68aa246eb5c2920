import test from 'ava'
import type { Geo } from '#detectors/geo/geo.ts'
import type { AnyRule } from '#detectors/rule.ts'
import { newSourceIp } from '#detectors/rules/new-source-ip.ts'
import { directoryOf } from '#test/helpers/directory-of.ts'
import { type Login, type RunOptions, runRule, workingWeeks } from '#test/helpers/rule-run.ts'

const rule = newSourceIp as AnyRule
const home = '91.10.20.30'
const far = '203.0.113.5'
const monday = '2026-01-05'
const weeks = workingWeeks(monday, 8, { ip: home }) // to 27 February
const tuesday = '2026-03-03T10:00Z'
const berlin = { people: [{ user: 'alice', zone: 'Europe/Berlin', country: 'DE' }] }

const place = (country: string, asn: number, organisation: string): Geo => ({
  country,
  city: null,
  latitude: null,
  longitude: null,
  radiusKm: null,
  asn,
  organisation,
})
const geo = (ip: string): Geo | null => {
  if (ip.startsWith('91.') || ip.startsWith('79.')) return place('DE', 3320, 'Home Net')
  if (ip.startsWith('203.')) return place('DE', 64501, 'Other Net')
  return ip.startsWith('192.') ? place('BR', 64502, 'Far Net') : null
}

/** The address changes every so many weeks, within one provider's range or over all of them. */
const churning = (count: number, ipOf: (week: number) => string): Login[] =>
  Array.from({ length: count }, (_, week) =>
    workingWeeks(new Date(Date.parse(monday) + week * 7 * 86_400_000).toISOString().slice(0, 10), 1, {
      ip: ipOf(week),
    }),
  ).flat()

type Case = [title: string, logins: Login[], options: RunOptions, severities: string[]]

const cases: Case[] = [
  ['the address of every day is no alert', [...weeks, { at: tuesday, ip: home }], {}, []],
  ['a new network is one', [...weeks, { at: tuesday, ip: far }], {}, ['low']],
  ['an address of the same network is nothing', [...weeks, { at: tuesday, ip: '91.10.20.99' }], {}, []],
  [
    'an address that begins like the known ones is told and no alert',
    [...weeks, { at: tuesday, ip: '91.11.7.7' }],
    {},
    ['info'],
  ],
  [
    'a new address of the same provider is told and no alert',
    [...weeks, { at: tuesday, ip: '79.1.2.3' }],
    { geo },
    ['info'],
  ],
  ['a new provider of the same country is an alert', [...weeks, { at: tuesday, ip: far }], { geo }, ['low']],
  ['a new country is a worse one', [...weeks, { at: tuesday, ip: '192.0.2.9' }], { geo }, ['medium']],
  [
    'in the night, after attempts that failed, it is to wake somebody',
    [...weeks, { at: '2026-03-03T02:00Z', ip: '192.0.2.9', origin: { failures: 12 } }],
    { geo, directory: directoryOf(berlin) },
    ['high'],
  ],
  [
    'the same address is never told twice, weeks apart',
    [...weeks, { at: tuesday, ip: far }, { at: '2026-03-10T10:00Z', ip: far }, { at: '2026-03-27T10:00Z', ip: far }],
    {},
    ['low'],
  ],
  [
    'somebody who is new is not alerted',
    [...workingWeeks(monday, 1, { ip: home }), { at: '2026-01-13T10:00Z', ip: far }],
    {},
    ['info'],
  ],
  [
    'somebody who only ever came from the office is alerted for any other place',
    [...workingWeeks(monday, 8, { ip: '198.51.100.1' }), { at: tuesday, ip: far }],
    { directory: directoryOf({ ...berlin, networks: { office: [{ cidr: '198.51.100.0/24' }] } }) },
    ['low'],
  ],
  ['the very first login is nothing', [{ at: tuesday, ip: far }], {}, []],
  [
    'an office, a VPN, the automation of this account are no new places',
    [
      ...weeks,
      { at: tuesday, ip: '198.51.100.1' },
      { at: '2026-03-04T10:00Z', ip: '192.0.2.1' },
      { at: '2026-03-05T10:00Z', ip: '203.0.113.1' },
    ],
    {
      directory: directoryOf({
        ...berlin,
        networks: {
          office: [{ cidr: '198.51.100.0/24' }],
          vpn: [{ cidr: '192.0.2.0/24' }],
          automation: [{ cidr: '203.0.113.0/24', account: 'alice' }],
        },
      }),
    },
    [],
  ],
  [
    'the automation of another account is an alert, and a worse one',
    [...weeks, { at: tuesday, ip: far }],
    {
      directory: directoryOf({ ...berlin, networks: { automation: [{ cidr: '203.0.113.0/24', account: 'deploy' }] } }),
    },
    ['medium'],
  ],
  [
    'an office that opens later is none before',
    [...weeks, { at: tuesday, ip: '198.51.100.1' }],
    { directory: directoryOf({ ...berlin, networks: { office: [{ cidr: '198.51.100.0/24', from: '2026-03-09' }] } }) },
    ['low'],
  ],
  [
    'an address from which two others came is told and no alert',
    [...weeks, { at: tuesday, ip: far, origin: { otherUsers: 2, networkUsers: 2 } }],
    {},
    ['info'],
  ],
  [
    'one other person does not make a place a common one',
    [...weeks, { at: tuesday, ip: far, origin: { otherUsers: 1, networkUsers: 1 } }],
    {},
    ['low'],
  ],
  [
    'a new VPN that nobody told the directory is no alert any more when others come from it too',
    [
      ...weeks,
      { at: tuesday, ip: far },
      { at: '2026-03-04T09:00Z', ip: far, origin: { otherUsers: 5, networkUsers: 5 } },
    ],
    {},
    ['info'],
  ],
  [
    'a planned journey to that country is told and no alert, also on the evening before',
    [...weeks, { at: '2026-03-02T19:00Z', ip: '192.0.2.9' }],
    {
      geo,
      directory: directoryOf({
        ...berlin,
        travel: [{ user: 'alice', country: 'BR', start: '2026-03-03', end: '2026-03-09' }],
      }),
    },
    ['info'],
  ],
  [
    'a journey elsewhere explains nothing',
    [...weeks, { at: '2026-03-04T10:00Z', ip: '192.0.2.9' }],
    {
      geo,
      directory: directoryOf({
        ...berlin,
        travel: [{ user: 'alice', country: 'JP', start: '2026-03-03', end: '2026-03-09' }],
      }),
    },
    ['medium'],
  ],
  [
    'a move to another office is told when a ticket names the user',
    [...weeks, { at: tuesday, ip: far }],
    {
      directory: directoryOf({
        ...berlin,
        tickets: [{ id: 'T1', type: 'reorganisation', users: ['alice'], start: '2026-03-01', end: '2026-03-09' }],
      }),
    },
    ['info'],
  ],
  [
    'a ticket that was made only afterwards explains nothing',
    [...weeks, { at: tuesday, ip: far }],
    {
      directory: directoryOf({
        ...berlin,
        tickets: [
          {
            id: 'T1',
            type: 'migration',
            users: ['alice'],
            start: '2026-03-01',
            end: '2026-03-09',
            createdAt: '2026-03-05',
          },
        ],
      }),
    },
    ['low'],
  ],
  [
    'an address at home that changes every week within its provider is no alert',
    churning(10, (week) => `91.${week}.${week * 7}.3`),
    {},
    ['info'],
  ],
  [
    'somebody who comes from another end of the internet each week is no alert after the first weeks',
    churning(10, (week) => `${20 + week * 18}.3.${week}.1`),
    {},
    ['info'],
  ],
  [
    'who changes provider for good is no alert any more when that shows',
    [
      ...weeks,
      ...['2026-03-02T09:00Z', '2026-03-02T13:00Z', '2026-03-03T09:00Z', '2026-03-03T13:00Z'].map((at) => ({
        at,
        ip: far,
      })),
    ],
    {},
    ['info'],
  ],
  [
    'a second place beside the usual one stays an alert',
    [
      ...weeks,
      { at: '2026-03-02T09:00Z', ip: far },
      { at: '2026-03-02T13:00Z', ip: home },
      { at: '2026-03-03T09:00Z', ip: far },
      { at: '2026-03-03T13:00Z', ip: far },
    ],
    {},
    ['low'],
  ],
  [
    'a new address of the same provider that is used beside the usual one becomes an alert',
    [...weeks, { at: '2026-03-02T09:00Z', ip: '91.11.7.7' }, { at: '2026-03-02T13:00Z', ip: home }],
    {},
    ['low'],
  ],
  [
    'one that takes the place of the usual one does not',
    [...weeks, { at: '2026-03-02T09:00Z', ip: '91.11.7.7' }, { at: '2026-03-02T13:00Z', ip: '91.11.7.7' }],
    {},
    ['info'],
  ],
  [
    'a service account keeps its places: another one is to wake somebody',
    [...weeks, { at: tuesday, ip: far }],
    { directory: directoryOf({ people: [{ user: 'alice', accountType: 'service' }] }) },
    ['high'],
  ],
  [
    'a service account that runs on ever new machines of one provider is no alert',
    [...churning(8, (week) => `91.${week}.${week * 7}.3`), { at: tuesday, ip: '91.44.1.1' }],
    { directory: directoryOf({ people: [{ user: 'alice', accountType: 'service' }] }) },
    ['info'],
  ],
  [
    'what came in later as history is known from then on',
    [...weeks, { at: '2025-12-03T10:00Z', ip: far, isHistory: true }, { at: tuesday, ip: far }],
    {},
    [],
  ],
  [
    'IPv6 of the same /48 is known, of another provider it is not',
    [
      ...workingWeeks(monday, 8, { ip: '2a02:8100:1:2::7' }),
      { at: tuesday, ip: '2a02:8100:1:3::9' },
      { at: '2026-03-04T10:00Z', ip: '2001:db8::1' },
    ],
    {},
    ['low'],
  ],
  [
    'an IPv4 address in IPv6 clothes is the network that it is',
    [...weeks, { at: tuesday, ip: `::ffff:${home}` }],
    {},
    [],
  ],
  ['what is no address is left alone', [...weeks, { at: tuesday, ip: 'console' }], {}, []],
  [
    'a country that the directory gives as the home of the user is not foreign',
    [...workingWeeks(monday, 8, { ip: '192.0.2.9' }), { at: tuesday, ip: far }],
    { geo, directory: directoryOf(berlin) },
    ['low'],
  ],
]

for (const [title, logins, options, severities] of cases) {
  test(title, (t) => {
    const { findings } = runRule(rule, logins, options)
    t.deepEqual(
      findings.map(({ severity }) => severity),
      severities,
      findings.map(({ title, explanation }) => `${title}: ${explanation}`).join('\n'),
    )
  })
}

test('of a user who never logged in nothing is kept', (t) => {
  t.true(rule.isOver?.(rule.initial(), 0))
  t.false(rule.isOver?.(runRule(rule, weeks).state, Date.parse(tuesday)))
})

test('says what was seen, what was expected, and on what that rests', (t) => {
  const again = { at: '2026-03-03T11:00Z', ip: far }
  const [alert] = runRule(rule, [...weeks, { at: tuesday, ip: far }, again], { geo }).alerts
  t.like(alert, {
    title: 'alice logged in from a new provider: 203.0.113.5 (DE, Other Net)',
    window: '203.0.113.5 2026-03-03',
    count: 2,
    sourceIp: far,
    bastion: 'b1',
    user: 'alice',
    firstEventMs: Date.parse(tuesday),
    lastEventMs: Date.parse(again.at),
    baseline: {
      observed: 'a login from 203.0.113.5 (DE, Other Net)',
      expected: '1 known address in 1 network',
      historySize: 120,
      historyDays: 57,
    },
  })
  t.deepEqual(alert!.sessionIds, ['s 2026-03-03T10:00:00.000Z', 's 2026-03-03T11:00:00.000Z'])
  t.regex(alert!.explanation, /On 40 days with logins before/)
})
