import test, { type ExecutionContext } from 'ava'
import { createAgentKeys } from '#services/access/agent-keys.ts'
import { createRoleKeys } from '#services/access/role-keys.ts'
import type { NewRecord } from '#services/bus/bus.ts'
import { BartizanError } from '#services/errors.ts'
import { createOriginCheck } from '#services/origin/origin-check.ts'
import { delivered, newSigner, sealedBy } from '#test/helpers/origins.ts'
import { openState, settableClock } from '../access/state-for-test.ts'

const record = (value = 'x', key = 'k'): NewRecord => ({ topic: 'session-frames', key, value: Buffer.from(value) })
const other = (value = 'x'): NewRecord => ({ topic: 'session-events', key: 'k', value: Buffer.from(value) })

/** A check on a real state store that can be taken away. */
const place = async (t: ExecutionContext) => {
  const { state, gets } = await openState(t)
  const clock = settableClock()
  let isAway = false
  const get: typeof state.get = (key) =>
    isAway ? Promise.reject(new BartizanError('BTZ_UNAVAILABLE', 'away')) : state.get(key)
  const agentKeys = createAgentKeys({ state: { ...state, get }, clock })
  const roleKeys = createRoleKeys({ state: { ...state, get }, clock })
  const { refuse } = createOriginCheck({ agentKeys, roleKeys, clock })
  const away = (now: boolean): void => {
    isAway = now
  }
  const agentOf = async (bastion: string) => {
    const signer = newSigner('agent', bastion)
    await agentKeys.seen(bastion, signer.publicKey, async () => {})
    return signer
  }
  return { clock, gets, agentKeys, roleKeys, refuse, agentOf, away }
}

test('what the agent of a bastion signed is taken for that bastion, and what is not signed is refused', async (t) => {
  const { refuse, agentOf } = await place(t)
  const [sealed] = sealedBy(await agentOf('b1'), record())
  t.is(await refuse(sealed!, 'b1'), null)
  t.regex((await refuse(delivered(record()), 'b1')) ?? '', /no proof/)
})

test('a stolen agent key cannot speak for another bastion, whatever it says of itself', async (t) => {
  const { refuse, agentOf } = await place(t)
  const thief = await agentOf('a')
  await agentOf('b')
  t.not(await refuse(sealedBy(thief, record())[0]!, 'b'), null)
  t.not(await refuse(sealedBy({ ...thief, bastion: 'b' }, record())[0]!, 'b'), null)
  t.not(await refuse(sealedBy({ ...thief, kind: 'role' }, record())[0]!, 'b'), null)
  t.is(await refuse(sealedBy(thief, record())[0]!, 'a'), null)
})

test('the key of an import does not speak as the agent of its bastion', async (t) => {
  const { refuse, agentKeys } = await place(t)
  const signer = newSigner('agent', 'b1')
  await agentKeys.seen('b1', signer.publicKey, async () => {}, 'import')
  t.regex((await refuse(sealedBy(signer, record())[0]!, 'b1')) ?? '', /is not known as agent for b1/)
})

test('an agent cannot write alerts, whatever it signs; a role can', async (t) => {
  const { refuse, agentOf, roleKeys } = await place(t)
  const said: NewRecord = { topic: 'alerts', key: 'k', value: Buffer.from('x') }
  const [agent, role] = [await agentOf('b1'), newSigner('role')]
  await roleKeys.register(role)
  t.regex((await refuse(sealedBy(agent, said)[0]!, 'b1')) ?? '', /an agent does not write alerts/)
  t.not(await refuse(sealedBy({ ...agent, kind: 'role' }, said)[0]!, 'b1'), null)
  t.regex((await refuse(delivered(said), 'b1')) ?? '', /no proof/)
  t.is(await refuse(sealedBy(role, said)[0]!, 'b1'), null)
})

test('what was signed is refused under another key, on another topic, with another value', async (t) => {
  const { refuse, agentOf } = await place(t)
  const [sealed] = sealedBy(await agentOf('b1'), record(), record('y'))
  t.not(await refuse({ ...sealed!, key: 'other' }, 'b1'), null)
  t.not(await refuse({ ...sealed!, topic: 'session-events' }, 'b1'), null)
  t.not(await refuse({ ...sealed!, value: Buffer.from('y') }, 'b1'), null)
  t.is(await refuse(sealed!, 'b1'), null)
})

test('a key is unknown until it is registered, and then taken', async (t) => {
  const { refuse, agentKeys, clock } = await place(t)
  const signer = newSigner('agent', 'b1')
  const [sealed] = sealedBy(signer, record())
  t.regex((await refuse(sealed!, 'b1')) ?? '', new RegExp(`${signer.keyId} is not known`))
  await agentKeys.seen('b1', signer.publicKey, async () => {})
  clock.advance(2_000)
  t.is(await refuse(sealed!, 'b1'), null)
})

test('nobody but who holds a key can have it be remembered as unknown', async (t) => {
  const { refuse, agentKeys, gets } = await place(t)
  const honest = newSigner('agent', 'b1')
  const [forged] = sealedBy({ ...newSigner('agent', 'b1'), publicKey: honest.publicKey }, record())
  const before = gets()
  t.regex((await refuse(forged!, 'b1')) ?? '', /not signed with/)
  t.is(gets(), before)
  await agentKeys.seen('b1', honest.publicKey, async () => {})
  t.is(await refuse(sealedBy(honest, record())[0]!, 'b1'), null)
})

test('a revoked key is refused half a minute later, another key of the same bastion is not', async (t) => {
  const { refuse, agentKeys, agentOf, clock } = await place(t)
  const [first, second] = [await agentOf('b1'), await agentOf('b1')]
  const [by1, by2] = [first, second].map((signer) => sealedBy(signer, record())[0]!)
  t.is(await refuse(by1!, 'b1'), null)
  await agentKeys.revoke('b1', first.keyId)
  clock.advance(30_000)
  t.regex((await refuse(by1!, 'b1')) ?? '', /was revoked/)
  t.is(await refuse(by2!, 'b1'), null)
})

test('a registered role vouches for any bastion, another role for none', async (t) => {
  const { refuse, roleKeys } = await place(t)
  const [role, stranger] = [newSigner('role'), newSigner('role')]
  await roleKeys.register(role)
  await roleKeys.register(role)
  t.is(await refuse(sealedBy(role, other())[0]!, 'b1'), null)
  t.is(await refuse(sealedBy(role, other())[0]!, 'b2'), null)
  t.regex((await refuse(sealedBy(stranger, other())[0]!, 'b1')) ?? '', /not known as role/)
})

test('records cost a query only now and then', async (t) => {
  const { refuse, agentOf, gets } = await place(t)
  const signer = await agentOf('b1')
  const before = gets()
  for (const sealed of sealedBy(signer, ...Array.from({ length: 500 }, (_, n) => record(`${n}`))))
    t.is(await refuse(sealed, 'b1'), null)
  t.is(gets(), before + 1)
})

test('while the state store is away, known keys stay good for an hour and others wait', async (t) => {
  const { refuse, agentOf, clock, away } = await place(t)
  const [known, unseen] = [await agentOf('b1'), await agentOf('b2')]
  const [sealed] = sealedBy(known, record())
  t.is(await refuse(sealed!, 'b1'), null)
  away(true)
  await t.throwsAsync(refuse(sealedBy(unseen, record())[0]!, 'b2'), { code: 'BTZ_UNAVAILABLE' })
  for (let minutes = 0; minutes < 59; minutes++) {
    clock.advance(60_000)
    t.is(await refuse(sealed!, 'b1'), null)
  }
  clock.advance(120_000)
  await t.throwsAsync(refuse(sealed!, 'b1'), { code: 'BTZ_UNAVAILABLE' })
  away(false)
  t.is(await refuse(sealed!, 'b1'), null)
  t.is(await refuse(sealedBy(unseen, record())[0]!, 'b2'), null)
})

test('a key that is no point of the curve is refused and stops nobody', async (t) => {
  const { refuse } = await place(t)
  const [sealed] = sealedBy(newSigner('agent', 'b1'), record())
  for (const bytes of [new Uint8Array(32).fill(0xff), new Uint8Array(32), new Uint8Array(32).fill(2)]) {
    const headers = { ...sealed!.headers, originKey: Buffer.from(bytes).toString('base64url') }
    t.regex((await refuse({ ...sealed!, headers }, 'b1')) ?? '', /not signed with/)
  }
})
