import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { pino } from 'pino'
import { loadDirectory } from '#detectors/directory/load-directory.ts'
import { systemClock } from '#services/clock.ts'
import { type Teardown, temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'

const atMs = Date.UTC(2026, 2, 2, 12)

const open = (t: Teardown, file: string | undefined) => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const loaded = loadDirectory({ file, log, clock: systemClock, everyMs: 5, settleMs: 20 })
  t.teardown(loaded.close)
  return { loaded, lines }
}

test('no file: nothing is known of anybody', (t) => {
  const { loaded } = open(t, undefined)
  t.is(loaded.current().person('alice', atMs), null)
  t.is(loaded.current().isOfficeHours('alice', atMs), true)
})

test('a YAML file is read, with a wrong row left out and told', async (t) => {
  const file = join(await temporaryFolder(t), 'directory.yaml')
  await writeFile(
    file,
    `
policy:
  learningDays: 7
  recordingExempt: [backup]
people:
  - {user: alice, zone: Europe/Berlin, country: de, favouriteColour: blue}
  - {user: bob, zone: Mars/Olympus}
  - {name: nobody}
networks:
  office: [{cidr: 198.51.100.0/24, site: Bern}, {cidr: 198.51.100.0/99}]
leave: none
`,
  )
  const { loaded, lines } = open(t, file)
  const directory = loaded.current()
  t.is(directory.policy.learningDays, 7)
  t.true(directory.policy.recordingExempt.has('backup'))
  t.is(directory.person('alice', atMs)?.country, 'DE')
  t.is(directory.person('bob', atMs), null)
  t.is(directory.knownNetwork('198.51.100.7', atMs)?.site, 'Bern')
  t.like(lines[0], { rows: 2, refused: 4 })
  t.deepEqual(
    lines.slice(1).map(({ table, row }) => [table, row]),
    [
      ['people', 2],
      ['people', 3],
      ['networks.office', 2],
      ['leave', 0],
    ],
  )
  t.regex(String(lines[1]!.reason), /not an IANA time zone/)
})

test('a folder of CSV files is read: dotted columns, JSON in cells, lists, a byte order mark', async (t) => {
  const folder = join(await temporaryFolder(t), 'directory')
  await mkdir(folder)
  const tables = {
    policy: 'officeHours.from,officeHours.to,officeHours.days,learningDays\n09:00,17:00,"Mon-Thu",10\n',
    people:
      '\ufeffuser,zone,country,shared,aliases,zoneHistory,joined\n' +
      'alice,Europe/Berlin,DE,false,"asmith, al","[{""zone"":""Asia/Tokyo"",""from"":""2026-03-01""}]",2020-01-01\n' +
      'bob,,,true,,,\n',
    'networks.vpn': 'cidr,from\n192.0.2.0/24,2026-01-01\n',
    tickets: 'id,type,users,start,end\nT1,migration,alice;bob,2026-03-01,2026-03-03\n',
    holidays: 'country,date,name\nDE,2026-03-03,Carnival\n',
  }
  for (const [name, text] of Object.entries(tables)) await writeFile(join(folder, `${name}.csv`), text)
  await writeFile(join(folder, 'notes.txt'), 'not a table')
  const { loaded, lines } = open(t, folder)
  const directory = loaded.current()
  t.like(lines[0], { refused: 0 })
  t.is(directory.canonical('al'), 'alice')
  t.is(directory.zoneOf('alice', atMs), 'Asia/Tokyo')
  t.is(directory.zoneOf('alice', atMs - 30 * 86_400_000), 'Europe/Berlin')
  t.true(directory.person('bob', atMs)?.shared)
  t.is(directory.knownNetwork('192.0.2.9', atMs)?.kind, 'vpn')
  t.is(directory.tickets({ user: 'bob' }, atMs).length, 1)
  t.true(directory.isHoliday('alice', Date.UTC(2026, 2, 3, 3)))
  t.is(directory.policy.learningDays, 10)
  t.false(directory.isOfficeHours('alice', Date.UTC(2026, 2, 6, 3))) // a Friday
  t.true(directory.isOfficeHours('alice', Date.UTC(2026, 2, 5, 3))) // Thursday noon in Tokyo
})

test('a changed file counts a moment later, also when another is renamed over it', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'directory.json')
  await writeFile(file, JSON.stringify({ people: [{ user: 'alice' }] }))
  const { loaded } = open(t, file)
  t.is(loaded.current().person('bob', atMs), null)
  await writeFile(join(folder, 'new'), JSON.stringify({ people: [{ user: 'bob' }] }))
  await rename(join(folder, 'new'), file)
  await until(() => loaded.current().person('bob', atMs) !== null, { limitMs: 30_000 })
  t.is(loaded.current().person('alice', atMs), null)
})

test('a file that is broken leaves the last good one in force, and the next good one counts', async (t) => {
  const file = join(await temporaryFolder(t), 'directory.yaml')
  await writeFile(file, 'people: [{user: alice}]\n')
  const { loaded, lines } = open(t, file)
  await writeFile(file, 'people: [{user: alice\n')
  await until(() => lines.some(({ msg }) => String(msg).includes('stays in force')), { limitMs: 30_000 })
  t.is(loaded.current().person('alice', atMs)?.user, 'alice')
  await writeFile(file, 'people: [{user: zoe}]\n')
  await until(() => loaded.current().person('zoe', atMs) !== null, { limitMs: 30_000 })
})

test('a folder of which a table changes is read again', async (t) => {
  const folder = join(await temporaryFolder(t), 'directory')
  await mkdir(folder)
  await writeFile(join(folder, 'people.csv'), 'user\nalice\n')
  const { loaded } = open(t, folder)
  t.false(loaded.current().isOnLeave('alice', atMs))
  await writeFile(join(folder, 'leave.csv'), 'user,start,end\nalice,2026-03-01,2026-03-05\n')
  await until(() => loaded.current().isOnLeave('alice', atMs), { limitMs: 30_000 })
})

for (const [what, text] of [
  ['no YAML', 'people: [{user: alice'],
  ['a list', '- alice'],
  ['empty', ''],
] as const) {
  test(`at the start a file that is ${what} is refused by name`, async (t) => {
    const file = join(await temporaryFolder(t), 'directory.yaml')
    await writeFile(file, text)
    const error = t.throws(() => open(t, file), { code: 'BTZ_DIRECTORY_INVALID' })
    t.true(error.message.includes(file))
  })
}

test('at the start a file that is not there is refused', (t) => {
  t.throws(() => open(t, '/nowhere/directory.yaml'), { code: 'BTZ_DIRECTORY_INVALID' })
})

test('aliases that multiply without end are refused', async (t) => {
  const file = join(await temporaryFolder(t), 'directory.yaml')
  const levels = Array.from({ length: 12 }, (_, n) => `l${n + 1}: &l${n + 1} [${Array(10).fill(`*l${n}`).join(', ')}]`)
  await writeFile(file, `l0: &l0 [a]\n${levels.join('\n')}\n`)
  t.throws(() => open(t, file), { code: 'BTZ_DIRECTORY_INVALID' })
})
