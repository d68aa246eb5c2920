import test, { type ExecutionContext } from 'ava'
import { createTriage } from '#services/alerts/triage.ts'
import type { NewRecord } from '#services/bus/bus.ts'
import { mergedAlert } from '#services/catalog/merged-alert.ts'
import { BartizanError } from '#services/errors.ts'
import { Alert } from '#services/schema/alert.ts'
import { alert } from '#test/contract/catalog-alerts.ts'
import { openState, settableClock } from '../access/state-for-test.ts'

/** Triage over a real state store; a bus that can be taken away, and what was said on it. */
const place = async (t: ExecutionContext) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const said: Alert[] = []
  let isAway = false
  const produce = async (records: NewRecord[]) => {
    if (isAway) throw new BartizanError('BTZ_UNAVAILABLE', 'the bus is away')
    for (const { value } of records) said.push(Alert.parse(JSON.parse(Buffer.from(value).toString())))
    return []
  }
  const found = new Map([alert('a', 0), alert('b', 1)].map((one) => [one.id, one]))
  const catalog = { alert: async (id: string) => found.get(id) ?? null }
  const open = () => createTriage({ state, bus: { produce }, catalog, clock })
  const away = (now: boolean): void => {
    isAway = now
  }
  return { clock, said, found, state, open, away, triage: open() }
}
const bob = { actor: 'bob', reason: null }

test('what was decided stands in order, is said once each with a time after the one before, and says on what', async (t) => {
  const { triage, said } = await place(t)
  const a = alert('a', 0, { revision: 4 })
  const first = await triage.decide(a, await triage.of(a.id), { ...bob, status: 'acknowledged' })
  t.like(first, { status: 'acknowledged', triage: { actor: 'bob' }, revision: 4 })
  await triage.decide(a, await triage.of(a.id), { actor: 'carol', status: 'resolved', reason: 'a test' })
  const { decisions } = await triage.of(a.id)
  t.deepEqual(
    decisions.map(({ actor, status, revision }) => [actor, status, revision]),
    [
      ['bob', 'acknowledged', 4],
      ['carol', 'resolved', 4],
    ],
  )
  t.true(Date.parse(decisions[1]!.at) > Date.parse(decisions[0]!.at), 'the clock stood still')
  t.deepEqual(
    said.map(({ status }) => status),
    ['acknowledged', 'resolved'],
  )
  t.is(await triage.sweep(), 0)
  const inReverse = said.toReversed().reduce<Alert | null>(mergedAlert, a)
  t.like(inReverse, { status: 'resolved', triage: { actor: 'carol' } })
})

test('of two who decide on the same state one is refused, and nothing of theirs is said', async (t) => {
  const { triage, said, clock } = await place(t)
  const a = alert('a', 0)
  const before = await triage.of(a.id)
  const both = await Promise.allSettled([
    triage.decide(a, before, { ...bob, status: 'acknowledged' }),
    triage.decide(a, before, { ...bob, actor: 'carol', status: 'resolved' }),
  ])
  const refused = both.filter((one) => one.status === 'rejected')
  t.is(refused.length, 1)
  t.like(refused[0]?.reason, { code: 'BTZ_STATE_CONFLICT' })
  t.is((await triage.of(a.id)).decisions.length, 1)
  clock.advance(60_000)
  await triage.sweep()
  t.is(new Set(said.map(({ triage }) => triage?.actor)).size, 1)
})

test('what a process decided and did not come to say is said by the next one, until it is', async (t) => {
  const { triage, open, said, clock, away, found, state } = await place(t)
  const [a, b] = [alert('a', 0), alert('b', 1)]
  away(true)
  await t.throwsAsync(triage.decide(a, await triage.of(a.id), { ...bob, status: 'resolved' }), { message: /away/ })
  await t.throwsAsync(triage.decide(b, await triage.of(b.id), { ...bob, status: 'false_positive' }))
  t.is((await triage.of(a.id)).decisions.length, 1, 'decided all the same')
  const next = open()
  t.is(await next.sweep(), 0, 'whoever decides may be about to say it')
  clock.advance(60_000)
  await t.throwsAsync(next.sweep())
  away(false)
  found.delete(b.id)
  t.is(await next.sweep(), 1)
  t.like(said, [{ id: a.id, status: 'resolved' }])
  found.set(b.id, b)
  t.is(await next.sweep(), 1)
  t.like(said.at(-1), { id: b.id, status: 'false_positive', triage: { actor: 'bob' } })
  t.is(await next.sweep(), 0)
  t.deepEqual(await state.list('triage-unsaid/', { limit: 5 }), [])
})

test('a mark without a decision goes, and says nothing', async (t) => {
  const { triage, said, state, clock } = await place(t)
  await state.put(`triage-unsaid/${alert('a', 0).id}`, { atMs: clock.now() })
  clock.advance(60_000)
  await triage.sweep()
  t.deepEqual([said, await state.list('triage-unsaid/', { limit: 5 })], [[], []])
})

test('after 200 decisions an alert takes no more', async (t) => {
  const { triage } = await place(t)
  const a = alert('a', 0)
  const decision = { ...bob, at: a.at, status: 'open' as const, revision: 1 }
  const before = { decisions: Array.from({ length: 200 }, () => decision), stateRevision: 1 }
  await t.throwsAsync(triage.decide(a, before, { ...bob, status: 'resolved' }), { code: 'BTZ_REQUEST_INVALID' })
})
