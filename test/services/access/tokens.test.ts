import { readFile } from 'node:fs/promises'
import test from 'ava'
import { createTokens, type NewToken } from '#services/access/tokens.ts'
import { BartizanError } from '#services/errors.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { openState, settableClock } from './state-for-test.ts'

const analyst: NewToken = { role: 'analyst', name: 'dana', actor: 'owner' }

test('a token is verified as who it was made for', async (t) => {
  const { state } = await openState(t)
  const tokens = createTokens({ state, clock: settableClock() })
  const plain = await tokens.create(analyst)
  const ingest = await tokens.create({ role: 'ingest', name: 'jump1', bastion: 'jump1', actor: 'owner' })
  t.regex(plain.secret, new RegExp(`^btz_${plain.id}_[A-Za-z0-9_-]{43}$`))
  t.deepEqual(await tokens.verify(plain.secret), { id: plain.id, name: 'dana', role: 'analyst', bastion: null })
  t.deepEqual(await tokens.verify(ingest.secret), { id: ingest.id, name: 'jump1', role: 'ingest', bastion: 'jump1' })
})

test('whatever is not exactly a token of ours is nobody', async (t) => {
  const { state } = await openState(t)
  const tokens = createTokens({ state, clock: settableClock() })
  const { id, secret } = await tokens.create(analyst)
  const other = await tokens.create(analyst)
  const lastChanged = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A')
  const mixed = `btz_${id}_${other.secret.split('_').slice(2).join('_')}`
  const wrong = ['', 'btz_', secret.slice(0, -1), `${secret}A`, ` ${secret}`, lastChanged, mixed, id, 'x'.repeat(1e6)]
  for (const bad of [...wrong, secret.replace(id, '0'.repeat(16)), secret.replace(id, '../tokens/x')]) {
    t.is(await tokens.verify(bad), null, bad.slice(0, 80))
  }
})

test('a revoked token is nobody at once, also while it is being verified, and stays in the list', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const tokens = createTokens({ state, clock })
  const { id, secret } = await tokens.create(analyst)
  t.truthy(await tokens.verify(secret))
  clock.advance(6_000)
  const meanwhile = tokens.verify(secret)
  await tokens.revoke(id)
  await meanwhile
  t.is(await tokens.verify(secret), null)
  t.like((await tokens.list())[0], { id, revokedAt: new Date(clock.now()).toISOString() })
  await t.notThrowsAsync(tokens.revoke(id))
  for (const unknown of ['0123456789abcdef', '', '../x']) {
    await t.throwsAsync(tokens.revoke(unknown), { code: 'BTZ_NOT_FOUND' })
  }
})

test('a token revoked by another process is refused after five seconds', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const [here, there] = [createTokens({ state, clock }), createTokens({ state, clock })]
  const { id, secret } = await here.create(analyst)
  t.truthy(await here.verify(secret))
  await there.revoke(id)
  clock.advance(5_001)
  t.is(await here.verify(secret), null)
})

test('while the state store is away, agents go on with the tokens they have for an hour, and nobody else does', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  let isAway = false
  const get: StateStore['get'] = async (key) => {
    if (isAway) throw new BartizanError('BTZ_UNAVAILABLE', 'the state store is away')
    return state.get(key)
  }
  const tokens = createTokens({ state: { ...state, get }, clock })
  const agent = await tokens.create({ role: 'ingest', name: 'jump1', bastion: 'jump1', actor: 'owner' })
  const person = await tokens.create(analyst)
  for (const { secret } of [agent, person]) t.truthy(await tokens.verify(secret))
  isAway = true
  clock.advance(3_500_000)
  t.is((await tokens.verify(agent.secret))?.bastion, 'jump1')
  await t.throwsAsync(tokens.verify(person.secret), { code: 'BTZ_UNAVAILABLE' })
  clock.advance(200_000)
  await t.throwsAsync(tokens.verify(agent.secret), { code: 'BTZ_UNAVAILABLE' })
  isAway = false
  t.truthy(await tokens.verify(agent.secret))
})

test('a hundred requests with one token cost one query, a hundred wrong ones are never remembered', async (t) => {
  const { state, gets } = await openState(t)
  const tokens = createTokens({ state, clock: settableClock() })
  const { id, secret } = await tokens.create(analyst)
  for (let n = 0; n < 100; n++) await tokens.verify(secret)
  t.is(gets(), 1)
  for (let n = 0; n < 100; n++) t.is(await tokens.verify(`btz_${id}_${'x'.repeat(43)}`), null)
  t.is(gets(), 101)
})

test('tokens survive a restart; neither the database nor the list holds a secret', async (t) => {
  const { state, file } = await openState(t)
  const { secret } = await createTokens({ state, clock: settableClock() }).create(analyst)
  const tokens = createTokens({ state, clock: settableClock() })
  t.like(await tokens.verify(secret), { name: 'dana' })
  const random = secret.split('_').slice(2).join('_')
  for (const path of [file, `${file}-wal`]) t.false((await readFile(path)).includes(random), path)
  const listed = await tokens.list()
  t.deepEqual(Object.keys(listed[0]!).sort(), ['bastion', 'createdAt', 'createdBy', 'id', 'name', 'revokedAt', 'role'])
})

test('the token of the environment is admin in this process alone and is not stored', async (t) => {
  const { state, file } = await openState(t)
  const adminToken = 'from-the-environment-31415926'
  const tokens = createTokens({ state, clock: settableClock(), adminToken })
  t.like(await tokens.verify(adminToken), { id: 'bootstrap', role: 'admin', bastion: null })
  t.is(await tokens.verify(`${adminToken}x`), null)
  t.is(await createTokens({ state, clock: settableClock() }).verify(adminToken), null)
  t.is(await createTokens({ state, clock: settableClock(), adminToken: '' }).verify(''), null)
  t.deepEqual(await tokens.list(), [])
  for (const path of [file, `${file}-wal`]) t.false((await readFile(path)).includes(adminToken), path)
})

test('a token that makes no sense is not created', async (t) => {
  const { state } = await openState(t)
  const tokens = createTokens({ state, clock: settableClock() })
  const wrong: NewToken[] = [
    { role: 'ingest', name: 'no bastion', actor: 'owner' },
    { ...analyst, bastion: 'jump1' },
    { ...analyst, name: '' },
    { ...analyst, name: 'x'.repeat(129) },
    { role: 'ingest', name: 'x', bastion: '../etc', actor: 'owner' },
  ]
  for (const token of wrong) await t.throwsAsync(tokens.create(token), { code: 'BTZ_REQUEST_INVALID' }, token.name)
  t.deepEqual(await tokens.list(), [])
})

test('whose token it is can be asked by its id, until it is revoked', async (t) => {
  const { state } = await openState(t)
  const tokens = createTokens({ state, clock: settableClock(), adminToken: 'a'.repeat(40) })
  const { id } = await tokens.create(analyst)
  t.deepEqual(await tokens.holder(id), { id, name: 'dana', role: 'analyst', bastion: null })
  t.like(await tokens.holder('bootstrap'), { role: 'admin' })
  await tokens.revoke(id)
  for (const gone of [id, '0'.repeat(16), '../tokens/x', '']) t.is(await tokens.holder(gone), null, gone)
  t.is(await createTokens({ state, clock: settableClock() }).holder('bootstrap'), null)
})
