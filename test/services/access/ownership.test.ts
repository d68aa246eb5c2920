import test from 'ava'
import { createOwnership } from '#services/access/ownership.ts'

const sessions: Record<string, { user: string; person: string | null; parentId: string | null }> = {
  outer: { user: 'alice', person: null, parentId: null },
  nested: { user: 'deploy', person: null, parentId: 'outer' },
  named: { user: 'u1007', person: 'Bob Roth', parentId: null },
  one: { user: 'x', person: null, parentId: 'other' },
  other: { user: 'y', person: null, parentId: 'one' },
}
const directory: Record<string, string[]> = { alice: ['Alice Miller'], 'alice.m': ['alice', 'Alice Miller'] }
const namesOf = (name: string) => directory[name] ?? []
const ownership = (ownSessions: 'refuse' | 'allow' = 'refuse') =>
  createOwnership({ ownSessions, namesOf, session: async (id) => sessions[id] ?? null })

test('a session belongs to its user, its person, and everybody whom the directory calls the same', async (t) => {
  const own = (name: string, id: string) => ownership().isOwn({ name }, sessions[id]!)
  for (const name of ['alice', 'ALICE ', 'Alice Miller', 'alice.m', 'Alice.M']) t.true(await own(name, 'outer'), name)
  for (const name of ['bob', 'owner', 'alic', '']) t.false(await own(name, 'outer'), name)
  t.true(await own('bob roth', 'named'))
})

test('a nested session belongs to who opened the outer one, and a circle of sessions ends', async (t) => {
  t.true(await ownership().isOwn({ name: 'alice' }, sessions.nested!))
  t.true(await ownership().isOwn({ name: 'deploy' }, sessions.nested!))
  t.false(await ownership().isOwn({ name: 'bob' }, sessions.nested!))
  t.false(await ownership().isOwn({ name: 'z' }, sessions.one!))
})

test('an own session is refused by session and by id, unless the operator allows own sessions', async (t) => {
  const { refuseOwn } = ownership()
  await t.throwsAsync(refuseOwn({ name: 'alice' }, sessions.outer!), { code: 'BTZ_OWN_SESSION' })
  await t.throwsAsync(refuseOwn({ name: 'alice' }, 'nested'), { code: 'BTZ_OWN_SESSION' })
  await t.throwsAsync(refuseOwn({ name: 'alice' }, 'gone'), { code: 'BTZ_NOT_FOUND' })
  await t.notThrowsAsync(refuseOwn({ name: 'bob' }, 'nested'))
  await t.notThrowsAsync(ownership('allow').refuseOwn({ name: 'alice' }, 'nested'))
  t.true(ownership('allow').samePerson('alice', 'alice.m'), 'who is who does not depend on that')
})
