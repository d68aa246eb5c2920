import test from 'ava'
import type { Directory } from '#detectors/directory/directory.ts'
import { directoryOf } from '#test/helpers/directory-of.ts'

const at = (text: string): number => Date.parse(text)

type Question = [
  title: string,
  tables: Record<string, unknown>,
  ask: (directory: Directory) => unknown,
  answer: unknown,
]

const alice = { user: 'alice', zone: 'Europe/Berlin', country: 'DE', aliases: ['asmith'] }
const questions: Question[] = [
  ['an alias is the person', { people: [alice] }, (d) => d.canonical('asmith'), 'alice'],
  ['a name that nobody has stays as it is', { people: [alice] }, (d) => d.canonical('bob'), 'bob'],
  [
    'labels are those of the person, by any name, and of each host',
    {
      people: [{ ...alice, labels: ['vip'] }, { user: 'bob' }],
      hosts: [
        { name: 'pay-1', labels: 'pci; secret' },
        { name: 'db-1', labels: ['pii'] },
      ],
    },
    (d) => [d.labelsOf('asmith', ['pay-1', 'db-1', 'other']), d.labelsOf('bob', ['other'])],
    [['vip', 'pci', 'secret', 'pii'], []],
  ],
  [
    'an alias never hides the name of somebody else',
    { people: [alice, { user: 'asmith' }] },
    (d) => d.canonical('asmith'),
    'asmith',
  ],
  [
    'nobody is known before they joined',
    { people: [{ ...alice, joined: '2026-03-02' }] },
    (d) => [d.person('alice', at('2026-03-01T22:59:59Z')), d.person('alice', at('2026-03-01T23:00:00Z'))?.user],
    [null, 'alice'],
  ],
  [
    'an account is disabled from the start of the day on which its person left',
    { people: [{ ...alice, left: '2026-03-02' }] },
    (d) => d.person('alice', 0)?.leftMs,
    at('2026-03-01T23:00:00Z'),
  ],
  [
    'a person moves to another zone when the history says so, and not before',
    { people: [{ ...alice, zoneHistory: [{ zone: 'America/New_York', from: '2026-03-02' }] }] },
    (d) => [d.zoneOf('alice', at('2026-03-01T12:00:00Z')), d.zoneOf('alice', at('2026-03-03T12:00:00Z'))],
    ['Europe/Berlin', 'America/New_York'],
  ],
  [
    'where nothing is known of a zone it is UTC, and guessed',
    { people: [alice] },
    (d) => [d.zoneOf('bob', 0), d.hasZone('bob', 0), d.hasZone('asmith', 0)],
    ['UTC', false, true],
  ],
  [
    'office hours follow daylight saving',
    { people: [alice] },
    (d) =>
      ['2026-03-27T06:59:00Z', '2026-03-27T07:00:00Z', '2026-03-30T05:59:00Z', '2026-03-30T06:00:00Z'].map((text) =>
        d.isOfficeHours('alice', at(text)),
      ),
    [false, true, false, true],
  ],
  [
    'office hours end at their end and not on Saturdays',
    { people: [alice] },
    (d) =>
      ['2026-03-06T16:59:00Z', '2026-03-06T17:00:00Z', '2026-03-07T10:00:00Z'].map((text) =>
        d.isOfficeHours('alice', at(text)),
      ),
    [true, false, false],
  ],
  [
    'the policy may name other hours and days',
    { people: [alice], policy: { officeHours: { from: '22:00', to: '06:00', days: ['Sat', 7] } } },
    (d) =>
      ['2026-03-07T22:00:00Z', '2026-03-08T02:00:00Z', '2026-03-08T10:00:00Z', '2026-03-09T23:00:00Z'].map((text) =>
        d.isOfficeHours('alice', at(text)),
      ),
    [true, true, false, false],
  ],
  [
    "a holiday is one in the user's country only",
    {
      people: [alice, { user: 'zoe', zone: 'Europe/Berlin', country: 'CH' }],
      holidays: [{ country: 'DE', date: '2026-05-01' }],
    },
    (d) => ['alice', 'zoe', 'bob'].map((user) => d.isHoliday(user, at('2026-05-01T09:00:00Z'))),
    [true, false, false],
  ],
  [
    'a holiday is no working day and has no office hours',
    { people: [alice], holidays: [{ country: 'DE', date: '2026-05-01' }] },
    (d) => [
      d.isWorkingDay('alice', at('2026-05-01T09:00:00Z')),
      d.isOfficeHours('alice', at('2026-05-01T09:00:00Z')),
      d.isWorkingDay('alice', at('2026-04-30T09:00:00Z')),
    ],
    [false, false, true],
  ],
  [
    'duty holds from its start to before its end, also by alias',
    {
      people: [alice],
      rota: [{ user: 'asmith', type: 'oncall', start: '2026-03-02T18:00Z', end: '2026-03-03T08:00Z' }],
    },
    (d) =>
      ['2026-03-02T17:59:00Z', '2026-03-02T18:00:00Z', '2026-03-03T07:59:00Z', '2026-03-03T08:00:00Z'].map((text) =>
        d.isOnDuty('alice', at(text)),
      ),
    [false, true, true, false],
  ],
  [
    'a long duty is found behind many short ones',
    {
      rota: [
        { user: 'bob', start: '2026-01-01', end: '2026-12-31' },
        ...Array.from({ length: 50 }, (_, n) => ({
          user: 'bob',
          start: new Date(at('2026-02-01T00:00Z') + n * 3_600_000).toISOString(),
          end: new Date(at('2026-02-01T00:30Z') + n * 3_600_000).toISOString(),
        })),
      ],
    },
    (d) => [d.isOnDuty('bob', at('2026-06-01T00:00Z')), d.isOnDuty('bob', at('2027-06-01T00:00Z'))],
    [true, false],
  ],
  [
    'leave by date is whole days where the person is',
    { people: [alice], leave: [{ user: 'alice', start: '2026-03-02', end: '2026-03-03' }] },
    (d) =>
      ['2026-03-01T22:59:00Z', '2026-03-01T23:00:00Z', '2026-03-03T22:59:00Z', '2026-03-03T23:00:00Z'].map((text) =>
        d.isOnLeave('alice', at(text)),
      ),
    [false, true, true, false],
  ],
  [
    'a journey has a country and a city',
    { travel: [{ user: 'bob', country: 'jp', city: 'Osaka', start: '2026-03-02', end: '2026-03-03' }] },
    (d) => [d.travelOf('bob', at('2026-03-02T12:00Z')), d.travelOf('bob', at('2026-03-05T12:00Z'))],
    [{ country: 'JP', city: 'Osaka' }, null],
  ],
  [
    'a ticket is unknown before it was made',
    {
      tickets: [
        {
          id: 'T1',
          type: 'migration',
          users: ['bob'],
          start: '2026-03-01',
          end: '2026-03-09',
          createdAt: '2026-03-05',
        },
      ],
    },
    (d) => [
      d.tickets({ user: 'bob' }, at('2026-03-04T12:00Z')),
      d.tickets({ user: 'bob' }, at('2026-03-06T12:00Z')),
      d.tickets({ user: 'zoe' }, at('2026-03-06T12:00Z')),
    ],
    [[], [{ id: 'T1', type: 'migration' }], []],
  ],
  [
    'a ticket that names addresses holds for them only, one that names nobody for all',
    { tickets: [{ id: 'T2', type: 'pentest', sourceIps: ['192.0.2.0/24'], start: '2026-03-01', end: '2026-03-09' }] },
    (d) =>
      ['192.0.2.9', '198.51.100.9', null].map(
        (sourceIp) => d.tickets({ user: 'zoe', sourceIp }, at('2026-03-06T12:00Z')).length,
      ),
    [1, 0, 0],
  ],
  [
    'the narrowest range counts, and none before it was there',
    {
      networks: {
        office: [{ cidr: '198.51.100.0/24', site: 'Bern' }],
        vpn: [{ cidr: '198.51.100.128/25', from: '2026-03-05T00:00Z' }],
        automation: [{ cidr: '2001:db8::/32', account: 'deploy' }],
      },
    },
    (d) => [
      d.knownNetwork('198.51.100.200', at('2026-03-04T00:00Z'))?.kind,
      d.knownNetwork('198.51.100.200', at('2026-03-06T00:00Z'))?.kind,
      d.knownNetwork('::ffff:198.51.100.1', at('2026-03-06T00:00Z'))?.site,
      d.knownNetwork('2001:db8:1::5', 0)?.account,
      d.knownNetwork('203.0.113.1', 0),
      d.knownNetwork('not an address', 0),
    ],
    ['office', 'vpn', 'Bern', 'deploy', null, null],
  ],
  [
    'a grant is for one person, one host and its time',
    { grants: [{ user: 'bob', target: 'db1', from: '2026-03-01T00:00Z', to: '2026-03-02T00:00Z' }] },
    (d) => [
      d.hasGrant('bob', 'db1', at('2026-03-01T12:00Z')),
      d.hasGrant('bob', 'db2', at('2026-03-01T12:00Z')),
      d.hasGrant('bob', 'db1', at('2026-03-02T12:00Z')),
    ],
    [true, false, false],
  ],
  [
    'an exception ends when it expires',
    { exceptions: [{ id: 'E1', bastion: 'b1', check: 'mfa-required', expires: '2026-03-02T00:00Z' }] },
    (d) => [
      d.isException({ bastion: 'b1', check: 'mfa-required' }, at('2026-03-01T12:00Z')),
      d.isException({ bastion: 'b2', check: 'mfa-required' }, at('2026-03-01T12:00Z')),
      d.isException({ bastion: 'b1', check: 'mfa-required' }, at('2026-03-02T12:00Z')),
    ],
    [true, false, false],
  ],
  [
    'a bastion faces the internet, or not, or nobody says',
    {
      bastions: [
        { name: 'b1', internetFacing: true },
        { name: 'b2', internetFacing: 'false' },
      ],
    },
    (d) => ['b1', 'b2', 'b3'].map((bastion) => d.isInternetFacing(bastion)),
    [true, false, null],
  ],
  [
    'maintenance is of the bastions that it names',
    { maintenance: [{ id: 'M1', bastions: ['b1'], start: '2026-03-01T20:00Z', end: '2026-03-01T23:00Z' }] },
    (d) => ['b1', 'b2'].map((bastion) => d.isMaintenance(bastion, at('2026-03-01T21:00Z'))),
    [true, false],
  ],
]

for (const [title, tables, ask, answer] of questions) {
  test(title, (t) => {
    t.deepEqual(ask(directoryOf(tables)), answer)
  })
}

test('of 10,000 people and 10,000 plans any question is answered within microseconds', (t) => {
  const names = Array.from({ length: 10_000 }, (_, n) => `u${n}`)
  const directory = directoryOf({
    people: names.map((user, n) => ({ user, zone: n % 2 ? 'Asia/Kolkata' : 'America/Chicago', country: 'US' })),
    rota: names.map((user, n) => ({ user, start: `2026-0${1 + (n % 9)}-01`, end: `2026-0${1 + (n % 9)}-05` })),
    networks: { office: names.map((_, n) => ({ cidr: `10.${n >> 8}.${n & 255}.0/24` })) },
  })
  const startMs = performance.now()
  let found = 0
  for (let n = 0; n < 100_000; n++) {
    const user = names[(n * 7) % names.length]!
    const atMs = at('2026-03-01T00:00Z') + (n % 90) * 86_400_000
    if (directory.isOfficeHours(user, atMs)) found++
    if (directory.isOnDuty(user, atMs)) found++
    if (directory.knownNetwork(`10.1.${n & 255}.7`, atMs)) found++
  }
  const microseconds = ((performance.now() - startMs) * 1000) / 100_000
  t.log(`${microseconds.toFixed(2)} µs for three questions`)
  t.true(found > 100_000)
  t.true(microseconds < 500)
})
