import test from 'ava'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { SearchQuery } from '#services/schema/search-query.ts'
import { fields } from '#services/search/fields.ts'
import { parseQuery, queryLimits } from '#services/search/parse-query.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const nowMs = Date.UTC(2026, 10, 22, 1, 30)
const parse = (q: string, tz = 'Europe/Berlin') => parseQuery(q, { nowMs, tz })
const text = (words: string, more: object = {}): object => ({
  is: 'text',
  in: null,
  text: words,
  isPrefix: false,
  ...more,
})
const all = (...of: unknown[]) => ({ is: 'all', of })
const any = (...of: unknown[]) => ({ is: 'any', of })
const not = (of: unknown) => ({ is: 'not', of })

test('words, phrases, prefixes, exclusion, OR and parentheses are read as documented', (t) => {
  const cases: [string, unknown][] = [
    ['', all()],
    ['  ', all()],
    ['Shadow', text('shadow')],
    ['a b', all(text('a'), text('b'))],
    ['a AND b', all(text('a'), text('b'))],
    ['a b OR c', any(all(text('a'), text('b')), text('c'))],
    ['a (b OR c)', all(text('a'), any(text('b'), text('c')))],
    ['"rm  -rf"', text('rm -rf')],
    ['foo*', text('foo', { isPrefix: true })],
    ['"foo bar"*', text('foo bar', { isPrefix: true })],
    ['foo\\*', text('foo*')],
    ['"foo*"', text('foo*')],
    ['*.ts', text('*.ts')],
    ['-x', not(text('x'))],
    ['NOT x', not(text('x'))],
    ['-(a b)', not(all(text('a'), text('b')))],
    ['--force', text('--force')],
    ['ls "-la"', all(text('ls'), text('-la'))],
    ['a-b', text('a-b')],
    ['or and not', all(text('or'), text('and'), text('not'))],
    ['"OR"', text('or')],
    ['http://h:80/p?q=1', text('http://h:80/p?q=1')],
    ['C:\\Users\\bob', text('c:\\users\\bob')],
    ['\\(cd \\"q\\" \\-x user\\:bob', all(text('(cd'), text('"q"'), text('-x'), text('user:bob'))],
    ['cmd:sudo', text('sudo', { in: 'commands' })],
    ['screen:"permission denied"', text('permission denied', { in: 'screen' })],
    ['-event:pub*', not(text('pub', { in: 'events', isPrefix: true }))],
    ['user:Alice', { is: 'user', value: 'Alice', isPrefix: false }],
    ['host:"db 1"', { is: 'host', value: 'db 1', isPrefix: false }],
    ['bastion:j*', { is: 'bastion', value: 'j', isPrefix: true }],
    ['session:01A20278', { is: 'session', value: '01a20278', isPrefix: true }],
    [
      'session:01a20278-190a-7537-916d-9d87cd34f360',
      { is: 'session', value: '01a20278-190a-7537-916d-9d87cd34f360', isPrefix: false },
    ],
    ['session:01a20278*', { is: 'session', value: '01a20278', isPrefix: true }],
    ['has:transfer', { is: 'has', what: 'transfer' }],
    ['state:truncated', { is: 'state', state: 'truncated' }],
    ['duration>1h30m', { is: 'longer', thanMs: 5_400_000, orEqual: false, nowMs }],
    ['duration<=90s', { is: 'shorter', thanMs: 90_000, orEqual: true, nowMs }],
  ]
  for (const [q, expected] of cases) t.deepEqual(parse(q) as unknown, expected, q)
})

test('networks are ranges of addresses, the same however an address is written', (t) => {
  const range = (q: string) => parse(q) as Extract<SearchQuery, { is: 'ip' }>
  t.is(range('ip:10.1.2.3').from, range('ip:::ffff:10.1.2.3').to)
  const { from, to } = range('ip:10.1.0.0/16')
  const inside = range('ip:10.1.255.255').from
  const outside = range('ip:10.2.0.0').from
  t.true(from <= inside && inside <= to && outside > to)
  t.true(range('ip:2001:db8::/32').from <= range('ip:2001:db8:1::1').from)
})

test("times are those of the asker's zone, also where its clock is put forward or back", (t) => {
  const at = (q: string, tz?: string) => new Date((parse(`after:${q}`, tz) as { atMs: number }).atMs).toISOString()
  t.is(at('now'), '2026-11-22T01:30:00.000Z')
  t.is(at('2h'), '2026-11-21T23:30:00.000Z')
  t.is(at('1d12h'), '2026-11-20T13:30:00.000Z')
  t.is(at('today'), '2026-11-21T23:00:00.000Z')
  t.is(at('yesterday'), '2026-11-20T23:00:00.000Z')
  t.is(at('today', 'America/New_York'), '2026-11-21T05:00:00.000Z')
  t.is(at('2026-07-01'), '2026-06-30T22:00:00.000Z')
  t.is(at('2026-11-01', 'UTC'), '2026-11-01T00:00:00.000Z')
  t.is(at('2026-11'), '2026-10-31T23:00:00.000Z')
  t.is(at('2026-11-01T09:30'), '2026-11-01T08:30:00.000Z')
  t.is(at('"2026-11-01 09:30:15"'), '2026-11-01T08:30:15.000Z')
  t.is(at('2026-11-01T09:30:00+05:30'), '2026-11-01T04:00:00.000Z')
  t.is(at('2026-10-25T02:30'), '2026-10-25T00:30:00.000Z', 'comes twice: the first')
  t.is(at('2026-03-29T03:30'), '2026-03-29T01:30:00.000Z')
  t.is(at('2026-03-29T02:30').slice(0, 13), '2026-03-29T01', 'never comes')
  t.is(at('2026-03-08', 'Pacific/Auckland'), '2026-03-07T11:00:00.000Z')
})

test('what is wrong is said with its place and what to do', (t) => {
  const cases: [q: string, wrong: string, message: RegExp][] = [
    ['x "abc', '"abc', /no end/],
    ['(a b', '(', /never closed/],
    ['a b)', ')', /no \( /],
    ['a ()', ')', /missing/],
    ['OR a', 'OR', /nothing before OR/],
    ['a OR', 'OR', /nothing behind OR/],
    ['a AND AND b', 'AND', /nothing behind AND/],
    ['a NOT', 'NOT', /nothing behind NOT/],
    ['a user:', 'user:', /nothing behind user:/],
    ['user: alice', 'user:', /nothing behind user:/],
    ['x ip:10.1.2', '10.1.2', /no address/],
    ['ip:10.0.0.0/99', '10.0.0.0/99', /no address/],
    ['after:soon', 'soon', /no time/],
    ['before:2026-02-30', '2026-02-30', /no time/],
    ['after:2026*', '2026*', /no time/],
    ['duration:1h', '1h', /compared/],
    ['duration>long', 'long', /no length/],
    ['session:01a2027', '01a2027', /no id/],
    ['session:zebra-01a2027', 'zebra', /no id/],
    ['has:money', 'money', /does not know/],
    ['state:fine', 'fine', /does not know/],
    ['cmd:""', '""', /nothing to look for/],
    ['*', '*', /nothing to look for/],
    [`${'('.repeat(30)}a${')'.repeat(30)}`, '(', /too deep/],
    [`a ${'-'.repeat(0)}${'NOT '.repeat(30)}b`, 'NOT', /too deep/],
    ['a '.repeat(queryLimits.tokens + 10).trim(), 'a', /more than 128 parts/],
    ['a'.repeat(queryLimits.chars + 1), 'a', /more than 512 characters/],
    [`user:${'u'.repeat(300)}`, 'u'.repeat(300), /too long/],
  ]
  for (const [q, wrong, message] of cases) {
    const error = t.throws<BartizanError>(
      () => parse(q),
      { instanceOf: BartizanError, message, code: 'BTZ_QUERY_SYNTAX' },
      q,
    )
    const { start, end } = error!.position!
    t.true(q.slice(start, end).startsWith(wrong), `${q}: ${q.slice(start, end)}`)
    t.true(error!.hint !== undefined && error!.hint.length > 0, q)
  }
})

test('the examples of the documentation are searches', (t) => {
  for (const { name, example } of fields) {
    t.true(example.startsWith(name))
    t.notThrows(() => parse(example), example)
  }
})

const pieces = [
  ...[
    '(',
    ')',
    '"',
    '\\',
    '-',
    '*',
    ' ',
    ' ',
    ' ',
    'OR',
    'AND',
    'NOT',
    'user:',
    'ip:',
    'after:',
    'duration>',
    'duration',
  ],
  ...[
    'cmd:',
    'screen:',
    'has:',
    'state:',
    'alert',
    'open',
    '10.0.0.1',
    '/8',
    '2h',
    'today',
    '2026-11-01',
    'a',
    'foo',
    'é',
  ],
  ...['\u0000', '\ud83d', '😀', '\n', ':', '>', '<=', '--', '""', '\u2028', 'İ', '\\"', '999999999999w'],
]
const queryCount = Number(process.env.TEST_FUZZ ?? 3_000)

test('whatever is typed is read, or refused with a place in it', (t) => {
  const seed = Number(process.env.TEST_SEED ?? 20_261_122)
  const random = seededRandom(seed)
  let refused = 0
  for (let n = 0; n < queryCount; n++) {
    const q = Array.from(
      { length: Math.floor(random() * 25) },
      () => pieces[Math.floor(random() * pieces.length)]!,
    ).join('')
    try {
      parse(q)
    } catch (error) {
      if (!hasCode(error, 'BTZ_QUERY_SYNTAX')) return t.fail(`${JSON.stringify({ seed, q })}: ${String(error)}`)
      const { start, end } = (error as BartizanError).position!
      if (!(start >= 0 && start <= end && end <= q.length)) return t.fail(JSON.stringify({ seed, q, start, end }))
      refused++
    }
  }
  t.true(refused > queryCount / 10 && refused < queryCount, `${refused} refused`)
})
