import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createShares } from '#services/shares/shares.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const minute = 60_000
const bob = { id: 'token-1', name: 'bob' }
const wanted = { sessionId: 'session-1', fromMs: 1_000, toMs: 9_000, reason: 'ticket 7', expiresInMinutes: 60, by: bob }

const place = async (t: ExecutionContext) => {
  let nowMs = Date.UTC(2026, 10, 22)
  const clock = { now: () => nowMs }
  const state = await createSqliteStateStore({ file: join(await temporaryFolder(t), 'state.db') })
  t.teardown(() => state.close())
  return {
    ...{ state, shares: createShares({ state, clock, maxHours: 30 * 24 }) },
    wait: (ms: number) => {
      nowMs += ms
    },
  }
}

test('a link leads to its share until it expires, and to nothing after', async (t) => {
  const { shares, wait } = await place(t)
  const { link, share } = await shares.create(wanted)
  t.like(await shares.verify(link), { id: share.id, sessionId: 'session-1', fromMs: 1_000, toMs: 9_000 })
  wait(60 * minute - 1)
  await shares.open(share.id)
  wait(1)
  await t.throwsAsync(shares.verify(link), { code: 'BTZ_NOT_FOUND' })
  await t.throwsAsync(shares.open(share.id), { code: 'BTZ_NOT_FOUND' })
})

test('a revoked link leads nowhere, and says who revoked it to who may list it', async (t) => {
  const { shares } = await place(t)
  const { link, share } = await shares.create(wanted)
  await shares.revoke(share.id, { id: 'token-2', name: 'carol' })
  await shares.revoke(share.id, bob)
  await t.throwsAsync(shares.verify(link), { code: 'BTZ_NOT_FOUND' })
  await t.throwsAsync(shares.open(share.id), { code: 'BTZ_NOT_FOUND' })
  t.is((await shares.list('session-1'))[0]?.revoked?.by.name, 'carol')
  await t.throwsAsync(shares.revoke('A'.repeat(22), bob), { code: 'BTZ_NOT_FOUND' })
})

test('the secret is nowhere in the state, nor in what lists it', async (t) => {
  const { shares, state } = await place(t)
  const { link, share } = await shares.create(wanted)
  const secret = link.split('.')[1]!
  t.false(JSON.stringify(await state.list('', { limit: 100 })).includes(secret))
  t.false(JSON.stringify([share, await shares.list('session-1')]).includes('secretHash'))
})

test('no other text opens it: another secret, another share’s, an altered one', async (t) => {
  const { shares } = await place(t)
  const [one, other] = [await shares.create(wanted), await shares.create(wanted)]
  const [id, secret] = one.link.split('.')
  const wrong = [`${id}.${other.link.split('.')[1]}`, `${id}.`, `.${secret}`, `${id}.${secret}x`, 'x'.repeat(66), '']
  for (const link of wrong) await t.throwsAsync(shares.verify(link), { code: 'BTZ_NOT_FOUND' }, link)
})

test('openings at once are all counted; the latest 50 are kept with time and address', async (t) => {
  const { shares } = await place(t)
  const { share } = await shares.create(wanted)
  for (let round = 0; round < 14; round++)
    await Promise.all(['a', 'b', 'c', 'd'].map((address) => shares.opened(share.id, `${address}${round}`)))
  const [listed] = await shares.list('session-1')
  t.is(listed?.openCount, 56)
  t.is(listed?.openings.length, 50)
  t.regex(listed?.openings.at(-1)?.address ?? '', /^[abcd]13$/)
})

test('a session has at most 50 open links; those that ended make room, and go 30 days later', async (t) => {
  const { shares, wait } = await place(t)
  for (let number = 0; number < 50; number++) await shares.create(wanted)
  await t.throwsAsync(shares.create(wanted), { code: 'BTZ_TOO_MANY_REQUESTS' })
  wait(61 * minute)
  await shares.create(wanted)
  t.is((await shares.list('session-1')).length, 51)
  wait(30 * 24 * 60 * minute)
  t.is((await shares.list('session-1')).length, 1)
})

test('no link lasts longer than may be by now, also none that was made before', async (t) => {
  const { state, shares, wait } = await place(t)
  const { share, link } = await shares.create({ ...wanted, expiresInMinutes: 600 })
  const short = createShares({ state, clock: { now: () => Date.parse(share.at) + 59 * minute }, maxHours: 1 })
  await t.throwsAsync(short.create({ ...wanted, expiresInMinutes: 61 }), { code: 'BTZ_REQUEST_INVALID' })
  const opened = await short.verify(link)
  t.is(Date.parse(opened.expiresAt) - Date.parse(opened.at), 60 * minute)
  wait(61 * minute)
  await shares.verify(link)
  const later = createShares({ state, clock: { now: () => Date.parse(share.at) + 61 * minute }, maxHours: 1 })
  await t.throwsAsync(later.verify(link), { code: 'BTZ_NOT_FOUND' })
  await t.throwsAsync(later.open(share.id), { code: 'BTZ_NOT_FOUND' })
})
