import test from 'ava'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import { newSigner } from '#test/helpers/origins.ts'
import { openState, settableClock } from './state-for-test.ts'

const nobodyIsTold = () => Promise.reject(new Error('told of a first key'))

test('a key is kept by its bastion, with when it was first and last seen', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const keys = createAgentKeys({ state, clock })
  const { publicKey, keyId } = newSigner('agent')
  t.is(await keys.find('b1', keyId), null)
  t.is(await keys.seen('b1', publicKey, nobodyIsTold), 'registered')
  const firstSeenAt = new Date(clock.now()).toISOString()
  clock.advance(3_600_000)
  t.is(await keys.seen('b1', publicKey, nobodyIsTold), 'registered')
  t.deepEqual(await keys.find('b1', keyId), {
    keyId,
    purpose: 'agent',
    publicKey: Buffer.from(publicKey).toString('base64'),
    firstSeenAt,
    lastSeenAt: new Date(clock.now()).toISOString(),
    revokedAt: null,
  })
  t.is(await keys.find('b2', keyId), null)
  t.is(await keys.find('b1.x', keyId), null)
})

test('heartbeats of a known key cost no query each', async (t) => {
  const { state, gets } = await openState(t)
  const keys = createAgentKeys({ state, clock: settableClock() })
  const { publicKey } = newSigner('agent')
  for (let beat = 0; beat < 20; beat++) await keys.seen('b1', publicKey, nobodyIsTold)
  t.is(gets(), 1)
})

test('a key that follows another is told of before it is good, and the earlier one stays good', async (t) => {
  const { state } = await openState(t)
  const keys = createAgentKeys({ state, clock: settableClock() })
  const [first, second] = [newSigner('agent'), newSigner('agent')]
  await keys.seen('b1', first.publicKey, nobodyIsTold)
  await t.throwsAsync(
    keys.seen('b1', second.publicKey, async () => {
      throw new Error('nobody can be told')
    }),
  )
  t.is(await keys.find('b1', second.keyId), null)
  const told: string[][] = []
  await keys.seen('b1', second.publicKey, async (others) => void told.push(others))
  t.deepEqual(told, [[first.keyId]])
  t.like(await keys.find('b1', first.keyId), { revokedAt: null })
  t.like(await keys.find('b1', second.keyId), { revokedAt: null })
})

test('the key of an import is told of, is no other key of the agent, and stays when the agent is revoked', async (t) => {
  const { state } = await openState(t)
  const keys = createAgentKeys({ state, clock: settableClock() })
  const [importer, agent] = [newSigner('agent'), newSigner('agent')]
  const told: string[][] = []
  await keys.seen('b1', importer.publicKey, async (others) => void told.push(others), 'import')
  t.deepEqual(told, [[]])
  t.is(await keys.seen('b1', agent.publicKey, nobodyIsTold), 'registered')
  t.is(await keys.revokeAll('b1'), 1)
  t.like(await keys.find('b1', importer.keyId), { purpose: 'import', revokedAt: null })
  await keys.revoke('b1', importer.keyId)
  t.is(await keys.seen('b1', importer.publicKey, nobodyIsTold, 'import'), 'revoked')
})

test('two receivers that see a new key at once agree on it', async (t) => {
  const { state } = await openState(t)
  const { publicKey } = newSigner('agent')
  const receivers = [1, 2, 3].map(() => createAgentKeys({ state, clock: settableClock() }))
  const answers = await Promise.all(receivers.map((keys) => keys.seen('b1', publicKey, async () => {})))
  t.deepEqual(answers, ['registered', 'registered', 'registered'])
  t.is((await receivers[0]!.list('b1')).length, 1)
})

test('a revoked key stays revoked, however often its agent shows it', async (t) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const keys = createAgentKeys({ state, clock })
  const { publicKey, keyId } = newSigner('agent')
  await keys.seen('b1', publicKey, nobodyIsTold)
  await keys.revoke('b1', keyId)
  const revokedAt = new Date(clock.now()).toISOString()
  clock.advance(7_200_000)
  t.is(await keys.seen('b1', publicKey, nobodyIsTold), 'revoked')
  t.is(await createAgentKeys({ state, clock }).seen('b1', publicKey, nobodyIsTold), 'revoked')
  await keys.revoke('b1', keyId)
  t.like(await keys.find('b1', keyId), { revokedAt })
  await t.throwsAsync(keys.revoke('b2', keyId), { code: 'BTZ_NOT_FOUND' })
})

test('whoever holds the token of a bastion cannot fill the store with keys', async (t) => {
  const { state } = await openState(t)
  const keys = createAgentKeys({ state, clock: settableClock() })
  for (let count = 0; count < 64; count++) await keys.seen('b1', newSigner('agent').publicKey, async () => {})
  await t.throwsAsync(
    keys.seen('b1', newSigner('agent').publicKey, async () => {}),
    { code: 'BTZ_FORBIDDEN' },
  )
  t.is((await keys.list('b1')).length, 64)
  t.is(await keys.seen('b2', newSigner('agent').publicKey, nobodyIsTold), 'registered')
})
