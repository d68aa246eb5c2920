import test from 'ava'
import {
  checkedSuppression,
  createSuppressions,
  type NewSuppression,
  type Suppression,
  suppressionOf,
} from '#services/alerts/suppressions.ts'
import { BartizanError } from '#services/errors.ts'
import { alert } from '#test/contract/catalog-alerts.ts'
import { openState, settableClock } from '../access/state-for-test.ts'

const nowMs = Date.parse('2026-03-01T12:00:00Z')
const dayMs = 86_400_000
const wanted = (more: Partial<NewSuppression>, days = 7): NewSuppression => ({
  owner: 'bob',
  reason: 'a scanner of ours',
  expiresAt: new Date(nowMs + days * dayMs).toISOString(),
  ...more,
})
const suppression = (more: Partial<Suppression>): Suppression =>
  ({
    id: 's1',
    rule: null,
    user: null,
    source: null,
    bastion: null,
    createdAt: new Date(nowMs).toISOString(),
    createdBy: 'bob',
    ...wanted({}),
    ...more,
  }) as Suppression

test('a suppression holds for alerts that have all of its conditions, while it is in force', (t) => {
  const one = alert('a', 0, { rule: 'auth-failures', user: 'alice', sourceIp: '10.1.2.3', bastion: 'b-1' })
  const holds = (more: Partial<Suppression>, atMs = nowMs) => suppressionOf(one, [suppression(more)], atMs)?.id === 's1'
  t.true(holds({ rule: 'auth-failures' }))
  t.false(holds({ rule: 'bulk-transfer' }))
  t.true(holds({ user: 'alice', bastion: 'b-1', source: '10.1.0.0/16' }))
  t.false(holds({ user: 'alice', bastion: 'b-2' }))
  t.false(holds({ user: 'alice', source: '10.2.0.0/16' }))
  t.true(holds({ source: '10.1.2.3' }))
  t.false(holds({ source: '2001:db8::/32' }))
  t.true(holds({ user: 'alice' }, nowMs + 7 * dayMs - 1))
  t.false(holds({ user: 'alice' }, nowMs + 7 * dayMs))
  t.is(suppressionOf({ ...one, user: null, sourceIp: null }, [suppression({ user: 'alice' })], nowMs), null)
  t.is(suppressionOf({ ...one, sourceIp: 'unknown' }, [suppression({ source: '10.0.0.0/8' })], nowMs), null)
})

test('a suppression of everything, for ever, of the past or of no address is refused', (t) => {
  const refused = (one: NewSuppression) =>
    t.throws(() => checkedSuppression(one, nowMs), { code: 'BTZ_REQUEST_INVALID' }, JSON.stringify(one))
  refused(wanted({}))
  refused(wanted({ source: '0.0.0.0/0' }))
  refused(wanted({ source: '::/0' }))
  refused(wanted({ source: '8.0.0.0/07' }))
  refused(wanted({ source: '10.1.2' }))
  refused(wanted({ user: 'alice' }, 367))
  refused(wanted({ user: 'alice' }, 0))
  t.notThrows(() => checkedSuppression(wanted({ user: 'alice' }, 365), nowMs))
  t.notThrows(() => checkedSuppression(wanted({ source: '2001:db8::/48' }), nowMs))
})

test('suppressions are in force at once where they are made, within 5 s elsewhere, and no longer than they say', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock(nowMs)
  const [here, there] = [createSuppressions({ state, clock }), createSuppressions({ state, clock })]
  t.deepEqual([await here.inForce(), await there.inForce()], [[], []])
  const made = await here.add(wanted({ user: 'alice' }), 'carol')
  t.like(made, { user: 'alice', rule: null, createdBy: 'carol', owner: 'bob' })
  t.deepEqual(await here.inForce(), [made])
  clock.advance(5_000)
  t.deepEqual(await there.inForce(), [made])
  await here.remove(made.id)
  t.deepEqual(await here.inForce(), [])
  const short = await here.add(wanted({ user: 'dave' }, 1), 'carol')
  clock.advance(dayMs)
  t.deepEqual(await here.inForce(), [])
  t.deepEqual(await here.list(), [short], 'what ended lately is still shown')
  clock.advance(31 * dayMs)
  await here.add({ ...wanted({ user: 'erin' }), expiresAt: new Date(clock.now() + dayMs).toISOString() }, 'carol')
  t.is((await here.list()).length, 1, 'what ended long ago is gone')
})

test('while the state store is away suppressions stay as they were; without any knowledge nothing is guessed', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock(nowMs)
  let isAway = false
  const list: typeof state.list = (...args) =>
    isAway ? Promise.reject(new BartizanError('BTZ_UNAVAILABLE', 'away')) : state.list(...args)
  const suppressions = createSuppressions({ state: { ...state, list }, clock })
  const made = await suppressions.add(wanted({ user: 'alice' }), 'carol')
  await suppressions.inForce()
  isAway = true
  clock.advance(60_000)
  t.deepEqual(await suppressions.inForce(), [made])
  await t.throwsAsync(createSuppressions({ state: { ...state, list }, clock }).inForce(), { code: 'BTZ_UNAVAILABLE' })
})

test('there are at most 200 suppressions', async (t) => {
  const { state } = await openState(t)
  const suppressions = createSuppressions({ state, clock: settableClock(nowMs) })
  for (let n = 0; n < 200; n++) {
    const id = n.toString(16).padStart(16, '0')
    await state.put(`suppressions/${id}`, suppression({ id, user: `user-${n}` }))
  }
  await t.throwsAsync(suppressions.add(wanted({ user: 'alice' }), 'carol'), { code: 'BTZ_TOO_MANY_REQUESTS' })
  await suppressions.remove('0'.repeat(16))
  t.like(await suppressions.add(wanted({ user: 'alice' }), 'carol'), { user: 'alice' })
  await t.throwsAsync(suppressions.find('../../tokens/x'), { code: 'BTZ_NOT_FOUND' })
})
