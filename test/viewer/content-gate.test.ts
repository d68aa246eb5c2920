import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Approval } from '#services/schema/approval.ts'
import { LogLeaf } from '#services/schema/log-leaf.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { operations } from '#viewer/operations.ts'
import { canaryOf, startContentPlace, wordOf } from './content-place.ts'

type Place = Awaited<ReturnType<typeof startContentPlace>>
type Ask = ReturnType<Place['as']>
type Listed = { items: Record<string, unknown>[]; withheld: number }

const json = async <T>(answer: Response | Promise<Response>): Promise<T> => (await answer).json() as Promise<T>
const refused = async (t: ExecutionContext, answer: Promise<Response>, status: number, code: string) => {
  const { status: got } = await answer
  t.is(got, status)
  t.is((await json<{ code: string }>(answer)).code, code)
}
const posted = (body: object) => ({ method: 'POST', body: JSON.stringify(body) })

type Target = { id: string; user: string }

/** Every operation that reads, with its path filled in, and what it searches for. */
const readsOf = ({ id, user }: Target) =>
  operations
    .filter(({ method, path }) => method === 'get' && path.startsWith('/api/') && !path.startsWith('/api/ingest/'))
    .map((operation) => {
      const path = operation.path
        .replace('{id}', id)
        .replace('{number}', '0')
        .replace('{user}', user)
        .replace('{path}', '0/000')
      const searches = [
        '/api/search',
        '/api/search/sessions',
        '/api/search/facets',
        '/api/sessions',
        '/api/events',
      ].includes(path)
      const query = path.endsWith('/export') ? '?format=ndjson' : searches ? `?q=${wordOf(user)}` : ''
      return { ...operation, path: path + query }
    })

const holds = (text: string, canary: string): boolean =>
  text.includes(canary) ||
  [...text.matchAll(/[A-Za-z0-9+/=]{8,}/g)].some(([word]) => Buffer.from(word, 'base64').includes(canary))

/** No answer to any operation holds what was recorded, and no search finds it. */
const showsNothing = async (t: ExecutionContext, ask: Ask, target: Target): Promise<void> => {
  for (const { path } of readsOf(target)) {
    const text = await (await ask(path)).text()
    t.false(holds(text, canaryOf(target.user)), path)
    if (path.includes('?q=')) t.false(text.includes(target.id), path)
  }
}

let place: Place
let id: string
let mine: Target
const undo: (() => unknown)[] = []
test.before(async () => {
  place = await startContentPlace(
    { teardown: (run) => undo.push(run) },
    { access: { reason: 'required', secondPerson: [{ users: ['root', 'sys'] }] } },
  )
  id = await place.record('alice')
  mine = { id, user: 'alice' }
})
test.after.always(async () => {
  for (const run of undo.reverse()) await run()
})
const rowsOf = async (topic: 'session-events' | 'log-entries') => {
  const { bus } = place.backends
  const read = (partition: number) => bus.read({ topic, partition }, 0, 10_000)
  return (await Promise.all(Array.from({ length: bus.partitions(topic) }, (_, partition) => read(partition)))).flat()
}
const forReason = { 'x-bartizan-reason': 'ticket 4711' }

test('every operation that shows what was recorded asks why; no other one shows it', async (t) => {
  const ask = place.as('bob')
  for (const { path, isContent } of readsOf(mine)) {
    const answer = await ask(path)
    t.is(answer.status === 428, isContent === true, `${answer.status} ${path}`)
    if (isContent) t.is((await json<{ code: string }>(answer)).code, 'BTZ_REASON_REQUIRED')
  }
  await showsNothing(t, ask, mine)
})

test('with a reason, in a header or the query, every one of them shows it', async (t) => {
  for (const { path, isContent } of readsOf(mine)) {
    if (!isContent) continue
    const byHeader = await place.as('bob')(path, { headers: forReason })
    t.is(byHeader.status, 200, path)
    const text = await byHeader.text()
    const shows =
      ['commands', 'segments/0.json', 'ndjson'].some((end) => path.endsWith(end)) ||
      /^\/api\/search(\/sessions)?\?/.test(path)
    t.is(holds(text, canaryOf('alice')), shows, path)
    const query = new URLSearchParams({ reason: 'ein Grund: ä' })
    t.is((await place.as('bob')(`${path}${path.includes('?') ? '&' : '?'}${query}`)).status, 200, path)
  }
  const headers = { 'x-bartizan-reason': ' ' }
  t.is((await place.as('bob')(`/api/search?q=${wordOf('alice')}`, { headers })).status, 400)
  const long = { 'x-bartizan-reason': 'x'.repeat(1_025) }
  t.is((await place.as('bob')(`/api/search?q=${wordOf('alice')}`, { headers: long })).status, 400)
})

test('the player gets the reason passed on in the address of the segment', async (t) => {
  const index = `/api/sessions/${id}/replay/index.json`
  const { segments } = await json<{ segments: { url: string }[] }>(place.as('bob')(index, { headers: forReason }))
  const segment = new URL(segments[0]!.url, `http://x${index}`)
  const answer = await place.as('bob')(segment.pathname + segment.search)
  t.is(answer.status, 200)
  t.true((await answer.text()).includes(canaryOf('alice')))
})

test('nobody sees, or finds, what was recorded of themselves; that they were there is no secret', async (t) => {
  const ask: Ask = (path, init) => place.as('Alice')(path, { ...init, headers: forReason })
  await showsNothing(t, ask, mine)
  for (const { path, isContent } of readsOf(mine))
    if (isContent && path.includes(id)) await refused(t, ask(path), 403, 'BTZ_OWN_SESSION')
  await refused(t, ask(`/api/sessions/${id}`), 403, 'BTZ_OWN_SESSION')
  t.is((await json<Listed>(ask(`/api/search?q=${wordOf('alice')}&in=commands`))).withheld, 1)
  t.true((await json<Listed>(ask('/api/sessions'))).items.some((session) => session.id === id))
})

test('whoever keeps evidence lists sessions, and neither sees nor finds what was recorded in them', async (t) => {
  const ask: Ask = (path, init) => place.as('kim', 'custodian')(path, { ...init, headers: forReason })
  await showsNothing(t, ask, mine)
  for (const { path, isContent } of readsOf(mine)) if (isContent) await refused(t, ask(path), 403, 'BTZ_FORBIDDEN')
  t.true((await json<Listed>(ask('/api/sessions?user=alice'))).items.some((session) => session.id === id))
})

test('where policy wants a second person, content is shown to who asked and was allowed, and to nobody else', async (t) => {
  const rooted = await place.record('root')
  const ask: Ask = (path, init) => place.as('bob', 'analyst')(path, { headers: forReason, ...init })
  await showsNothing(t, ask, { id: rooted, user: 'root' })
  await refused(t, ask(`/api/sessions/${rooted}/commands`), 403, 'BTZ_APPROVAL_REQUIRED')
  await refused(t, ask(`/api/sessions/${id}/access`, posted({ reason: 'x' })), 400, 'BTZ_REQUEST_INVALID')

  const answer = await ask(`/api/sessions/${rooted}/access`, posted({ reason: 'the breach of May' }))
  t.is(answer.status, 202)
  const asked = Approval.parse(await answer.json())
  const decide = (who: Ask, decision = 'approved') =>
    who(`/api/approvals/${asked.id}`, posted({ decision, reason: 'read the ticket' }))
  await refused(t, decide(place.as('bob', 'analyst')), 403, 'BTZ_SECOND_PERSON')
  await refused(t, decide(place.as('BOB', 'auditor')), 403, 'BTZ_SECOND_PERSON')
  await refused(t, decide(place.as('root', 'auditor')), 403, 'BTZ_OWN_SESSION')
  await refused(t, decide(place.as('kim', 'custodian')), 404, 'BTZ_NOT_FOUND')
  t.is((await decide(place.as('carol', 'auditor'))).status, 200)
  await refused(t, decide(place.as('dora', 'auditor')), 412, 'BTZ_STATE_CONFLICT')

  t.is((await ask(`/api/sessions/${rooted}/commands`)).status, 200)
  const search = `/api/search?q=${wordOf('root')}&in=commands`
  const found = await json<Listed>(ask(search))
  t.true(found.items.some(({ sessionId }) => sessionId === rooted))
  await refused(
    t,
    place.as('eve')(`/api/sessions/${rooted}/commands`, { headers: forReason }),
    403,
    'BTZ_APPROVAL_REQUIRED',
  )
  const ofEve = await json<Listed>(place.as('eve')(search, { headers: forReason }))
  t.false(ofEve.items.some(({ sessionId }) => sessionId === rooted))
  t.is(ofEve.withheld, 1)
})

test('people see the approvals that they asked for or may decide, page by page', async (t) => {
  const rooted = await place.record('sys')
  await place.as('fred', 'analyst')(`/api/sessions/${rooted}/access`, posted({ reason: 'one' }))
  await place.as('gus', 'oncall')(`/api/sessions/${rooted}/access`, posted({ reason: 'two' }))
  type Page = { items: Approval[]; next: string | null }
  const list = (name: string, role: 'oncall' | 'auditor' | 'custodian', query = '') =>
    json<Page>(place.as(name, role)(`/api/approvals?state=open${query}`))
  t.deepEqual(
    (await list('gus', 'oncall')).items.map(({ reason }) => reason),
    ['two'],
  )
  t.deepEqual((await list('kim', 'custodian')).items, [])
  const first = await list('carol', 'auditor', '&limit=1')
  const second = await list('carol', 'auditor', `&limit=1&cursor=${first.next}`)
  t.deepEqual([...first.items, ...second.items].map(({ reason }) => reason).sort(), ['one', 'two'])
  const { id: approval } = (await list('gus', 'oncall')).items[0]!
  t.is((await place.as('gus', 'oncall')(`/api/approvals/${approval}`)).status, 200)
  t.is((await place.as('hal', 'oncall')(`/api/approvals/${approval}`)).status, 404)
  await refused(
    t,
    place.as('gus', 'oncall')(`/api/approvals/${approval}`, posted({ decision: 'approved', reason: 'me' })),
    403,
    'BTZ_FORBIDDEN',
  )
})

test('who saw what is a salted event and a leaf of its bytes, both durable before the answer; words stay out of the log', async (t) => {
  const reason = 'the audit of May'
  const headers = { 'x-bartizan-reason': reason }
  const ask = place.as('ines')
  const paths = ['commands', 'replay/index.json', 'replay/segments/0.json', 'export?format=txt'].map(
    (path) => `/api/sessions/${id}/${path}`,
  )
  for (const path of [
    ...paths,
    `/api/search?q=${wordOf('alice')}`,
    `/api/sessions?q=${wordOf('alice')}`,
    `/api/events?q=${wordOf('alice')}`,
  ])
    t.is((await ask(path, { headers })).status, 200, path)
  await ask(paths[0]!, { headers })
  const events = (await rowsOf('session-events')).filter(({ value }) => Buffer.from(value).includes(reason))
  const leaves = await rowsOf('log-entries')
  const actions = events.map(({ value }) => JSON.parse(Buffer.from(value).toString()).action).sort()
  const expected = ['event.list', 'search', 'session.commands', 'session.export.txt', 'session.replay']
  t.deepEqual(actions, [...expected, 'session.replay.segment'], 'a repeat, and a search in two places, stay one')
  for (const { value } of events) {
    const event = JSON.parse(Buffer.from(value).toString())
    t.regex(event.salt, /^[0-9a-f]{64}$/)
    const leaf = leaves.map((record) => LogLeaf.parse(JSON.parse(Buffer.from(record.value).toString())))
    const mine = leaf.filter(({ key }) => key === event.id)
    t.deepEqual(mine, [{ v: 1, kind: 'access', key: event.id, sha256: hash('sha256', value, 'hex') }])
  }
  t.false(leaves.some(({ value }) => Buffer.from(value).includes(wordOf('alice'))))
  await until(
    async () => {
      await place.drain()
      const last = leaves.findLast(({ value }) => Buffer.from(value).includes('"access"'))!
      return (await ask(`/api/log/leaf/${last.key}`)).ok
    },
    { limitMs: 30_000, what: 'in the log' },
  )
})

test('who tried to see what they must not is on record, once, and has no leaf', async (t) => {
  const ask = place.as('Alice', 'analyst')
  for (let time = 0; time < 3; time++)
    await refused(t, ask(`/api/sessions/${id}/export?format=txt`, { headers: forReason }), 403, 'BTZ_OWN_SESSION')
  const tried = (await rowsOf('session-events'))
    .map(({ value }) => JSON.parse(Buffer.from(value).toString()))
    .filter(({ user, action }) => user === 'Alice' && action === 'session.export.txt')
  t.is(tried.length, 1)
  t.like(tried[0], { outcome: 'failure', reason: 'BTZ_OWN_SESSION', object: id })
  t.false((await rowsOf('log-entries')).some(({ value }) => Buffer.from(value).includes(tried[0].id)))
})

test('nothing is shown when the record of it cannot be made', async (t) => {
  const broken = await startContentPlace(t)
  const session = await broken.record('alice')
  const { bus } = broken.backends
  t.is((await broken.as('bob')(`/api/sessions/${session}/commands`)).status, 200)
  const produce = bus.produce
  let refusedTopic = 'log-entries'
  bus.produce = (records) =>
    records.some(({ topic }) => topic === refusedTopic) ? Promise.reject(new Error('away')) : produce(records)
  for (refusedTopic of ['log-entries', 'session-events']) {
    const answer = await broken.as('bob')(`/api/sessions/${session}/export?format=txt`)
    t.is(answer.status, 500)
    t.false((await answer.text()).includes(canaryOf('alice')))
  }
  bus.produce = produce
  t.true(
    (await (await broken.as('bob')(`/api/sessions/${session}/export?format=txt`)).text()).includes(canaryOf('alice')),
  )
})

test('the owner of an installation may be allowed what is theirs', async (t) => {
  const own = await startContentPlace(t, { access: { ownSessions: 'allow' } })
  const session = await own.record('alice')
  t.is((await own.as('alice')(`/api/sessions/${session}/commands`)).status, 200)
  const { items, withheld } = await json<Listed>(own.as('alice')(`/api/search?q=${wordOf('alice')}&in=commands`))
  t.is(items.length, 1)
  t.is(withheld, 0)
})

test("the operator's directory says who is who, and which hosts belong together", async (t) => {
  const directoryFile = join(await temporaryFolder(t), 'directory.yaml')
  const people = [{ user: 'alice', name: 'Alice Miller', aliases: ['asmith'], team: 'board' }]
  await writeFile(directoryFile, JSON.stringify({ people, groups: [{ name: 'hr', hosts: ['bastion-1'] }] }))
  const known = await startContentPlace(t, {
    access: {
      secondPerson: [
        { groups: ['hr'], teams: ['board'] },
        { groups: ['hr'], users: ['bob'] },
      ],
    },
    detectors: { directoryFile },
  })
  const [ofAlice, ofBob, ofCarol] = [
    await known.record('alice'),
    await known.record('bob'),
    await known.record('carol'),
  ]
  const commands = (name: string, session: string) => known.as(name)(`/api/sessions/${session}/commands`)
  for (const name of ['asmith', 'alice miller', 'alice'])
    await refused(t, commands(name, ofAlice), 403, 'BTZ_OWN_SESSION')
  await refused(t, commands('dora', ofAlice), 403, 'BTZ_APPROVAL_REQUIRED')
  await refused(t, commands('dora', ofBob), 403, 'BTZ_APPROVAL_REQUIRED')
  t.is((await commands('dora', ofCarol)).status, 200)
  const asked = await json<Approval>(known.as('dora')(`/api/sessions/${ofBob}/access`, posted({ reason: 'x' })))
  const answer = known.as('asmith')(`/api/approvals/${asked.id}`, posted({ decision: 'approved', reason: 'y' }))
  t.is((await answer).status, 200)
  t.is((await commands('dora', ofBob)).status, 200)
})
