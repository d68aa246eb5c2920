import test from 'ava'
import type { SearchHit } from '#services/catalog/catalog.ts'
import type { Session } from '#services/schema/session.ts'
import type { FieldInfo } from '#services/search/fields.ts'
import { canaryOf, startContentPlace, wordOf } from './content-place.ts'

type Place = Awaited<ReturnType<typeof startContentPlace>>
type Found = {
  items: { session: Session; hits: SearchHit[]; hitCount: { value: number } }[]
  next: string | null
  withheld: number
}

let place: Place
let id: string
const undo: (() => unknown)[] = []
test.before(async () => {
  place = await startContentPlace({ teardown: (run) => undo.push(run) })
  id = await place.record('alice')
})
test.after.always(async () => {
  for (const run of undo.reverse()) await run()
})
const get = async <T>(path: string, name = 'bob'): Promise<T> => (await (await place.as(name)(path)).json()) as T
const q = (text: string): string => `q=${encodeURIComponent(text)}`

test('a search gives hits by session, and what is typed wrongly is a problem with its place', async (t) => {
  const found = await get<Found>(`/api/search/sessions?${q(`user:alice cmd:"echo ${canaryOf('alice')}" -nowhere`)}`)
  t.deepEqual(
    found.items.map(({ session }) => session.id),
    [id],
  )
  t.is(found.items[0]?.hits[0]?.in, 'commands')
  t.is(found.items[0]?.hitCount.value, 1)
  const answer = await place.as('bob')(`/api/search/sessions?${q(' a OR (b')}`)
  t.is(answer.status, 400)
  t.is(answer.headers.get('content-type')?.split(';')[0], 'application/problem+json')
  t.like(await answer.json(), { code: 'BTZ_QUERY_SYNTAX', position: { start: 6, end: 7 } })
})

test('a field that is misspelt is text, and the answer hints at the one that was meant', async (t) => {
  type Hinted = { hints?: { message: string; instead: string; position: object }[] }
  for (const path of ['/api/search', '/api/search/sessions', '/api/sessions']) {
    const { hints } = await get<Hinted>(`${path}?${q('a usr:alice')}`)
    const message = 'there is no field usr, so this is text: did you mean user:?'
    t.deepEqual(hints, [{ message, position: { start: 2, end: 6 }, instead: 'user:' }], path)
    t.deepEqual((await get<Hinted>(`${path}?${q('user:alice')}`)).hints, [], path)
  }
  t.deepEqual(
    (await get<{ items: Session[] }>(`/api/sessions?${q(`session:${id.slice(0, 13)} user:alice`)}`)).items.map(
      (session) => session.id as string,
    ),
    [id],
  )
})

test('facets and pages leave out what the asker may not see', async (t) => {
  const facets = await get<Record<string, object[]>>(`/api/search/facets?in=commands&${q(wordOf('alice'))}`)
  t.deepEqual(facets.user, [{ value: 'alice', count: 1 }])
  t.deepEqual(Object.keys(facets).sort(), ['bastion', 'host', 'ip', 'user'])
  const own = await get<Record<string, object[]>>(`/api/search/facets?in=commands&${q(wordOf('alice'))}`, 'alice')
  t.deepEqual(own.user, [])
  const mine = await get<Found>(`/api/search/sessions?in=commands&${q(wordOf('alice'))}`, 'alice')
  t.deepEqual([mine.items, mine.withheld], [[], 1])
})

test('fields are listed with examples, and their values completed', async (t) => {
  const fields = await get<FieldInfo[]>('/api/search/fields')
  t.true(fields.some(({ name, example }) => name === 'screen' && example.startsWith('screen:')))
  t.deepEqual(await get('/api/search/values?field=user&prefix=al'), { items: ['alice'] })
  t.deepEqual(await get('/api/search/values?field=has&prefix=a'), { items: ['alert'] })
  t.is((await place.as('bob')('/api/search/values?field=password')).status, 400)
})

test('the list of sessions takes the language, and its pages keep the moment of the first', async (t) => {
  const listed = await get<{ items: Session[]; next: string | null }>(`/api/sessions?limit=1&${q('user:al* after:1h')}`)
  t.true(listed.items.every(({ user }) => user === 'alice'))
  t.is((await place.as('bob')(`/api/sessions?cursor=x&${q('user:alice')}`)).status, 400)
  t.is((await place.as('bob')(`/api/sessions?tz=Nowhere/There&${q('after:today')}`)).status, 400)
})
