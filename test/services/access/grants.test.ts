import { readFile } from 'node:fs/promises'
import test from 'ava'
import { createBrowserSessions } from '#services/access/browser-sessions.ts'
import { createExpiringGrants } from '#services/access/expiring-grants.ts'
import { createLoginLinks } from '#services/access/login-links.ts'
import type { Principal } from '#services/schema/access.ts'
import { openState, settableClock } from './state-for-test.ts'

const dana: Principal = { id: 'login-1', name: 'dana', role: 'analyst', bastion: null }

test('a sign-in link is good once', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const links = createLoginLinks({ state, clock, minutes: 15 })
  const { code, expiresAt } = await links.issue({ name: 'dana', role: 'analyst', actor: 'owner' })
  t.is(expiresAt, new Date(clock.now() + 15 * 60_000).toISOString())
  t.like(await links.redeem(code), { name: 'dana', role: 'analyst', bastion: null })
  t.is(await links.redeem(code), null)
})

test('of 24 who redeem one link at once, through two processes, one gets in', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const links = [createLoginLinks({ state, clock, minutes: 15 }), createLoginLinks({ state, clock, minutes: 15 })]
  const { code } = await links[0]!.issue({ name: 'dana', role: 'admin', actor: 'owner' })
  const results = await Promise.all(Array.from({ length: 24 }, (_, n) => links[n % 2]!.redeem(code)))
  t.is(results.filter((principal) => principal !== null).length, 1)
})

test('a link expires, and what expired is swept away by the next one', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const links = createLoginLinks({ state, clock, minutes: 15 })
  const { code } = await links.issue({ name: 'dana', role: 'admin', actor: 'owner' })
  clock.advance(15 * 60_000)
  t.is(await links.redeem(code), null)
  t.is((await state.list('login-links/', { limit: 10 })).length, 1)
  await links.issue({ name: 'kim', role: 'admin', actor: 'owner' })
  t.is((await state.list('login-links/', { limit: 10 })).length, 1)
})

test('a clock set back a little ends no grant; set back from far ahead, it ends what was made then', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const sessions = createBrowserSessions({ state, clock, hours: 12 })
  const secret = await sessions.open(dana)
  clock.advance(-60_000)
  t.deepEqual(await sessions.verify(secret), dana)
  clock.advance(-365 * 24 * 3_600_000)
  t.is(await sessions.verify(secret), null)
})

test('links are for people, with a name', async (t) => {
  const { state } = await openState(t)
  const links = createLoginLinks({ state, clock: settableClock(), minutes: 15 })
  for (const name of ['', 'x'.repeat(129)]) {
    await t.throwsAsync(links.issue({ name, role: 'admin', actor: 'owner' }), { code: 'BTZ_REQUEST_INVALID' })
  }
})

test('unknown, malformed and huge codes are nobody', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const links = createLoginLinks({ state, clock, minutes: 15 })
  const sessions = createBrowserSessions({ state, clock, hours: 12 })
  for (const bad of ['', 'x'.repeat(43), 'x'.repeat(1e6), '../tokens/x', 'ä'.repeat(43)]) {
    t.is(await links.redeem(bad), null)
    t.is(await sessions.verify(bad), null)
    await t.notThrowsAsync(sessions.close(bad))
  }
})

test('a browser session lasts its hours, through a restart, and ends with sign-out', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const sessions = createBrowserSessions({ state, clock, hours: 12 })
  const [kept, closed] = [await sessions.open(dana), await sessions.open(dana)]
  await sessions.close(closed)
  t.is(await sessions.verify(closed), null)
  clock.advance(12 * 3_600_000 - 1)
  t.deepEqual(await createBrowserSessions({ state, clock, hours: 12 }).verify(kept), dana)
  clock.advance(1)
  t.is(await sessions.verify(kept), null)
})

test('a link is no session and a session no link, and neither is stored in clear', async (t) => {
  const { state, file } = await openState(t)
  const clock = settableClock()
  const links = createLoginLinks({ state, clock, minutes: 15 })
  const sessions = createBrowserSessions({ state, clock, hours: 12 })
  const { code } = await links.issue({ name: 'dana', role: 'admin', actor: 'owner' })
  const secret = await sessions.open(dana)
  t.is(await sessions.verify(code), null)
  t.is(await links.redeem(secret), null)
  const stored = Buffer.concat([await readFile(file), await readFile(`${file}-wal`)])
  t.false(stored.includes(code) || stored.includes(secret))
})

test('more open grants than the limit are refused until some expire', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const grants = createExpiringGrants({ state, clock, prefix: 'few/', lifetimeMs: 1_000, maxOpen: 3 })
  for (let n = 0; n < 3; n++) await grants.issue(dana, 'owner')
  await t.throwsAsync(grants.issue(dana, 'owner'), { code: 'BTZ_TOO_MANY_REQUESTS' })
  clock.advance(1_000)
  await t.notThrowsAsync(grants.issue(dana, 'owner'))
})
