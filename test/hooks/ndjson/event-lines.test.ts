import test from 'ava'
import { createEventLines } from '#hooks/ndjson/event-lines.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'

const login = { kind: 'login', at: '2026-11-21T09:00:00.000Z', source: 'vpn', user: 'alice', ticket: 'T-1' }
const read = (...lines: unknown[]) => {
  const take = createEventLines('jump1')
  return lines.map((line) => take(typeof line === 'string' ? line : JSON.stringify(line)))
}
const eventOf = (result: ReturnType<typeof read>[number] | undefined) =>
  result !== undefined && 'event' in result ? result.event : null

test('an event is taken as it is, with unknown fields; bastion and id are put in where they are left out', (t) => {
  const [first, own] = read(login, { ...login, id: 'own-id', bastion: 'other' })
  t.like(eventOf(first), { ...login, bastion: 'jump1' })
  t.regex(String(eventOf(first)?.id), /^[0-9a-f]{64}$/)
  t.like(eventOf(own), { id: 'own-id', bastion: 'other' })
})

test('the same lines have the same ids each time, and equal lines have different ones', (t) => {
  const ids = () => read(login, login, { ...login, user: 'bob' }).map((result) => eventOf(result)?.id)
  t.deepEqual(ids(), ids())
  t.is(new Set(ids()).size, 3)
})

test('secrets on command lines are masked', (t) => {
  const argv = ['mysql', '--password=hunter2']
  const command = { kind: 'command', at: login.at, source: 'cloud', argv, line: 'mysql --password=hunter2' }
  t.false(JSON.stringify(read(command)).includes('hunter2'))
})

const hostile: [string, unknown, RegExp][] = [
  ['no JSON', '{"kind":', /not a JSON object/],
  ['a list', '[1]', /not a JSON object/],
  ['null', 'null', /not a JSON object/],
  ['no kind', {}, /kind/],
  ['a kind to come', { ...login, kind: 'teleport' }, /kind/],
  ['a time in another zone', { ...login, at: '2026-11-21T09:00:00+01:00' }, /at/],
  ['a time that is a number', { ...login, at: 5 }, /at/],
  ['an id that is too long', { ...login, id: 'x'.repeat(200) }, /id/],
  ['an empty id', { ...login, id: '' }, /id/],
  ['a bastion that is a path', { ...login, bastion: '../x' }, /bastion/],
  ['a user of 300 characters', { ...login, user: 'u'.repeat(300) }, /user/],
  ['a port beyond all', { ...login, sourcePort: 70_000 }, /sourcePort/],
]
for (const [what, line, reason] of hostile) {
  test(`refused with the reason: ${what}`, (t) => {
    const [result] = read(line)
    t.regex(result !== undefined && 'refused' in result ? result.refused : '', reason)
  })
}

test('a reason never repeats a value', (t) => {
  const [result] = read({ ...login, sourcePort: 'hunter2', at: 'hunter2', method: { hunter2: 1 } })
  t.true(result !== undefined && 'refused' in result && !result.refused.includes('hunter2'))
})

const seed = Number(process.env.BARTIZAN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const inputs = 100_000

test(`${inputs} broken lines: what is taken is an event of the schema, and nothing is thrown`, (t) => {
  t.log(`seed ${seed} (BARTIZAN_TEST_SEED repeats it)`)
  const random = seededRandom(seed)
  const below = (count: number): number => Math.floor(random() * count)
  const corpus = [
    JSON.stringify(login),
    JSON.stringify({ kind: 'command', at: login.at, source: 'x', argv: ['a', 'b'], line: 'a b', atMs: 5 }),
    JSON.stringify({ kind: 'posture', at: login.at, source: 'x', check: 'c', status: 'ok', detail: {} }),
  ]
  const pieces = ['', '"', ':', ',', '{', '}', 'null', '9e99', '\\u0000', '[', '-1', '__proto__']
  const take = createEventLines('jump1')
  let taken = 0
  for (let round = 0; round < inputs; round++) {
    const line = corpus[below(corpus.length)]!
    const cut = below(line.length + 1)
    const broken =
      below(4) === 0 ? line : line.slice(0, cut) + pieces[below(pieces.length)] + line.slice(cut + below(3))
    const result = take(broken)
    if (!('event' in result)) continue
    taken++
    if (taken % 50 === 0 && !SessionEvent.safeParse(result.event).success) return t.fail(broken)
  }
  t.true(taken > inputs / 10)
})
