import { readFileSync } from 'node:fs'
import test from 'ava'
import { AuditLogState, createAuditLog } from '#hooks/auditd/audit-log.ts'
import type { Execve } from '#hooks/auditd/execve.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const linesOf = (name: string): string[] =>
  readFileSync(new URL(`../../fixtures/auditd/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean)
const raw = linesOf('audit.log')
const laurel = linesOf('laurel.jsonl')

const read = (lines: readonly string[]): { execs: Execve[]; refused: string[] } => {
  const refused: string[] = []
  const log = createAuditLog(null, (reason) => void refused.push(reason))
  return { execs: lines.flatMap(log.take), refused }
}
const at = 'msg=audit(1795217763.142:48)'
const syscall = (more = ''): string =>
  `type=SYSCALL ${at}: arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=2 auid=1001 uid=1001 euid=0 tty=pts7 ses=12 comm="x" exe="/usr/bin/x" key=(null)${more}`
const execve = (args: string): string => `type=EXECVE ${at}: ${args}`
const end = `type=PROCTITLE ${at}: proctitle="x"`
const argvOf = (...records: string[]) => {
  const { execs, refused } = read([syscall(), ...records.map(execve), end])
  return { argv: execs[0]?.argv, cut: execs[0]?.argvCut, count: execs.length, refused }
}

test('auditd and laurel tell the same of the same programs', (t) => {
  const [fromRaw, fromLaurel] = [read(raw), read(laurel)]
  t.deepEqual([...fromRaw.refused, ...fromLaurel.refused], [])
  t.deepEqual(
    fromRaw.execs.map(({ argv }) => argv),
    [
      ['bash', '-c', 'id -un; sh -c "curl --version >/dev/null"'],
      ['id', '-un'],
      ['sh', '-c', 'curl --version >/dev/null'],
      ['curl', '--version'],
    ],
  )
  const facts = ({ names: _, ...rest }: Execve) => rest
  t.deepEqual(fromRaw.execs.map(facts), fromLaurel.execs.map(facts))
  t.like(fromRaw.execs[0], { auid: null, ses: null, tty: null, uid: 1001, cwd: '/root', key: 'exec', argvCut: false })
  t.is(fromLaurel.execs[0]?.names.get(1001), 'bastion1')
})

const long = Buffer.from('x'.repeat(9_000)).toString('hex').toUpperCase()
const tables: [string, string[], { argv: string[]; cut: boolean }][] = [
  ['in hex where it holds spaces', ['argc=2 a0="rm" a1=2D722066'], { argv: ['rm', '-r f'], cut: false }],
  ['a quoted number stays text', ['argc=1 a0="48"'], { argv: ['48'], cut: false }],
  ['empty', ['argc=2 a0="x" a1=""'], { argv: ['x', ''], cut: false }],
  [
    'in parts',
    [`argc=2 a0="x" a1_len=18000 a1[0]=${long.slice(0, 8000)}`, `a1[1]=${long.slice(8000)}`],
    { argv: ['x', 'x'.repeat(9_000)], cut: false },
  ],
  ['in several records', ['argc=3 a0="a"', 'a1="b"', 'a2="c"'], { argv: ['a', 'b', 'c'], cut: false }],
  ['one is missing', ['argc=3 a0="a" a2="c"'], { argv: ['a', '', 'c'], cut: true }],
  ['a part is missing', ['argc=1 a0[1]=4141'], { argv: [''], cut: true }],
  ['not UTF-8', ['argc=1 a0=FF41'], { argv: ['\ufffdA'], cut: true }],
  ['a quote without its end', ['argc=1 a0="abc'], { argv: ['abc'], cut: false }],
  ['hex of odd length is a word', ['argc=1 a0=ABC'], { argv: ['ABC'], cut: false }],
  ['no count', ['a0="x"'], { argv: [], cut: false }],
  ['an index beyond all', ['argc=1 a0="x" a9999="y" a1[9999]=41'], { argv: ['x'], cut: false }],
  ['a count below zero', ['argc=-5 a0="x"'], { argv: [], cut: false }],
]
for (const [what, records, { argv, cut }] of tables)
  test(`arguments: ${what}`, (t) => t.like(argvOf(...records), { argv, cut, count: 1, refused: [] }))

test('more arguments than 4,096, or than 128 KiB of them, are cut and marked', (t) => {
  t.like(argvOf('argc=999999999 a0="x"'), { cut: true, count: 1 })
  t.is(argvOf('argc=999999999 a0="x"').argv?.length, 4096)
  const big = Array.from({ length: 10 }, (_, index) => `a${index}="${'y'.repeat(60_000)}"`)
  const { argv, cut } = argvOf('argc=10', ...big)
  t.is(argv?.join('').length, 128 * 1024)
  t.true(cut)
})

test('names that auditd looked up (log_format = ENRICHED) are taken, and so is the host (name_format)', (t) => {
  const lines = [
    `node=web1 ${syscall('\u001dARCH=x86_64 SYSCALL=execve AUID="alice" UID="alice" EUID="root"')}`,
    `node=web1 ${execve('argc=1 a0="id"')}`,
    `node=web1 ${end}`,
  ]
  const { execs } = read(lines)
  t.is(execs.length, 1)
  t.deepEqual(
    [...execs[0]!.names],
    [
      [1001, 'alice'],
      [0, 'root'],
    ],
  )
  t.true(execs[0]!.eventId.startsWith('web1 '))
})

test('a program that could not be executed is told with its errno', (t) => {
  const failed = syscall().replace('success=yes exit=0', 'success=no exit=-13')
  t.like(read([failed, execve('argc=1 a0="x"'), end]).execs[0], { succeeded: false, result: -13 })
})

test('records of several events mixed are told apart, and one without its last record comes 2 s later', (t) => {
  const other = (line: string, serial: number, seconds = 1795217763) =>
    line.replace('1795217763.142:48', `${seconds}.142:${serial}`)
  const log = createAuditLog(null, () => t.fail())
  const take = (line: string) => log.take(line).map(({ eventId }) => eventId.split(':')[1])
  const [one, two] = [execve('argc=1 a0="one"'), execve('argc=1 a0="two"')]
  t.deepEqual([syscall(), other(syscall(), 49), other(two, 49), one].flatMap(take), [])
  t.deepEqual(take(other(end, 49)), ['49'])
  t.deepEqual(take(other(syscall(), 50, 1795217766)), ['48'])
})

test('what is left out is refused with the reason; events of other kinds are not', (t) => {
  t.deepEqual(read([execve('argc=1 a0="x"'), end]).refused, ['an exec without its SYSCALL record'])
  t.deepEqual(read(['who knows', '{"ID":', '{"EXECVE":{}}']).refused, [
    'no record of audit',
    'not JSON, or cut',
    'not an event of laurel: ID',
  ])
  t.deepEqual(
    read([
      `type=USER_LOGIN ${at}: pid=1 uid=0 msg='op=login acct="x"'`,
      '{"ID":"1.000:1","SYSCALL":{}}',
      syscall(),
      end,
    ]),
    {
      execs: [],
      refused: [],
    },
  )
})

test('whoever goes on with a snapshot gets the same programs', (t) => {
  const whole = read(raw).execs
  for (let cut = 0; cut <= raw.length; cut += 3) {
    const first = createAuditLog(null, () => t.fail())
    const before = raw.slice(0, cut).flatMap(first.take)
    const kept = AuditLogState.parse(JSON.parse(JSON.stringify(first.snapshot())))
    const again = createAuditLog(kept, () => t.fail())
    t.deepEqual([...before, ...raw.slice(cut).flatMap(again.take)], whole)
  }
})

const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const inputs = 100_000

test(`${inputs} broken lines: nothing is thrown, and what is held stays small`, (t) => {
  t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random() * count)
  const corpus = [...raw, ...laurel, syscall(), execve('argc=2 a0="x" a1_len=4 a1[0]=4141'), end]
  const log = createAuditLog(null, () => undefined)
  let execs = 0
  for (let round = 0; round < inputs; round++) {
    const line = corpus[below(corpus.length)]!.replace(':48)', `:${below(500)})`)
    const cut = below(line.length + 1)
    const middle = ['', '"', '=', ' ', '\u001d', '[', ':', '9'.repeat(below(30)), String.fromCharCode(below(300))]
    const kept = below(3) === 0 ? line : line.slice(0, cut) + middle[below(middle.length)] + line.slice(cut + below(4))
    execs += log.take(kept).length
  }
  t.true(execs > 1000)
  t.true(log.snapshot().lines.length <= 256 * 128)
})

test('a flood of events that never end is held to 256, and none of it is lost', (t) => {
  const log = createAuditLog(null, () => t.fail())
  let execs = 0
  for (let serial = 0; serial < 5_000; serial++)
    for (const line of [syscall(), execve('argc=1 a0="x"')])
      execs += log.take(line.replace(':48)', `:${serial})`)).length
  t.is(execs, 5_000 - 256)
})
