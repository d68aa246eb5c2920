import test, { type ExecutionContext } from 'ava'
import { v7 as uuidv7 } from 'uuid'
import { createOwnership } from '#services/access/ownership.ts'
import { createApprovals } from '#services/approvals/approvals.ts'
import type { Principal, Role } from '#services/schema/access.ts'
import { type Approval, ApprovalAction } from '#services/schema/approval.ts'
import { SessionId } from '#services/schema/ids.ts'
import { openState, settableClock } from '../access/state-for-test.ts'

const dayMs = 86_400_000
const person = (name: string, role: Role = 'auditor', id = `login-${name}`): Principal => ({
  id,
  name,
  role,
  bastion: null,
})
const [alice, bob, carol] = [person('alice'), person('bob'), person('carol')]
const subject = SessionId.parse(uuidv7())

const open = async (t: ExecutionContext) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const people = createOwnership({
    ownSessions: 'refuse',
    namesOf: (name) => (name === 'alice.m' ? ['alice'] : []),
    session: async () => ({ user: 'carol', person: null, parentId: null }),
  })
  const approvals = createApprovals({ state, clock, people })
  const ask = (by = alice, action: Approval['action'] = 'erasure', of: string = subject) =>
    approvals.request({ action, subject: SessionId.parse(of), reason: 'a court asks', by })
  const approve = (id: string, by = bob) => approvals.decide(id, { decision: 'approved', reason: 'read it', by })
  return { approvals, clock, ask, approve, state }
}

test('a request is decided once, by somebody else, and says who, when and why', async (t) => {
  const { approvals, ask, approve } = await open(t)
  const asked = await ask()
  t.like(asked, { state: 'open', reason: 'a court asks', decidedBy: null, requestedBy: { name: 'alice' } })
  t.deepEqual(await approvals.open('erasure'), [asked])
  t.deepEqual(await approvals.open('hold.lift'), [])
  const decided = await approve(asked.id)
  t.like(decided, { state: 'approved', decidedBy: { id: 'login-bob', name: 'bob', role: 'auditor' } })
  t.is(decided.decisionReason, 'read it')
  t.deepEqual(await approvals.get(asked.id), decided)
  await t.throwsAsync(approve(asked.id), { code: 'BTZ_STATE_CONFLICT' })
  await t.throwsAsync(approve('00000000-0000-7000-8000-000000000000'), { code: 'BTZ_NOT_FOUND' })
  await t.throwsAsync(approve('../tokens/x'), { code: 'BTZ_NOT_FOUND' })
})

test('nobody decides what they asked for, under no id, spelling or alias of theirs', async (t) => {
  const { ask, approve, approvals } = await open(t)
  const { id } = await ask()
  const same = [alice, person('ALICE', 'admin', 'token-1'), person('alice.m', 'admin', 'token-2')]
  for (const by of [...same, person('dora', 'admin', alice.id)])
    await t.throwsAsync(approve(id, by), { code: 'BTZ_SECOND_PERSON' }, by.name)
  t.is((await approvals.get(id)).state, 'open')
})

test('nobody asks for anything, or decides, about a session of their own', async (t) => {
  const { ask, approve } = await open(t)
  await t.throwsAsync(ask(carol), { code: 'BTZ_OWN_SESSION' })
  const { id } = await ask()
  await t.throwsAsync(approve(id, carol), { code: 'BTZ_OWN_SESSION' })
})

test('of two who decide at once one does, and the other is told', async (t) => {
  const { ask, approvals } = await open(t)
  const { id } = await ask()
  const both = await Promise.allSettled([
    approvals.decide(id, { decision: 'approved', reason: 'yes', by: bob }),
    approvals.decide(id, { decision: 'refused', reason: 'no', by: person('dora') }),
  ])
  const [lost] = both.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  t.is(both.filter(({ status }) => status === 'fulfilled').length, 1)
  t.is(lost!.reason.code, 'BTZ_STATE_CONFLICT')
})

test('an undecided request expires, and so does leave to see content; what changes evidence stays due', async (t) => {
  const { approvals, clock, ask, approve } = await open(t)
  const late = await ask(alice, 'hold.lift')
  const view = await approve((await ask(alice, 'access.view')).id)
  const erasure = await approve((await ask(alice, 'erasure')).id)
  const granted = () => approvals.granted({ action: 'access.view', subject, principalId: alice.id })
  t.deepEqual(await granted(), view)
  t.is(await approvals.granted({ action: 'access.view', subject, principalId: bob.id }), null)
  t.is(await approvals.granted({ action: 'access.view', subject: uuidv7(), principalId: alice.id }), null)
  clock.advance(dayMs)
  t.is(await granted(), null)
  t.is((await approvals.get(view.id)).state, 'expired')
  await t.throwsAsync(approve(late.id), { code: 'BTZ_STATE_CONFLICT' })
  t.deepEqual(await approvals.due(), [erasure])
  t.is((await approvals.done(erasure.id)).state, 'done')
  t.is((await approvals.done(erasure.id)).state, 'done')
  t.deepEqual(await approvals.due(), [])
  await t.throwsAsync(approvals.done(late.id), { code: 'BTZ_STATE_CONFLICT' })
})

test('a clock that was set back far does not make leave to see content last', async (t) => {
  const { approvals, clock, ask, approve } = await open(t)
  await approve((await ask(alice, 'access.view')).id)
  clock.advance(-30 * dayMs)
  t.is(await approvals.granted({ action: 'access.view', subject, principalId: alice.id }), null)
})

test('the same question asked again is one, and nobody asks for more than twenty things at once', async (t) => {
  const { approvals, ask, approve } = await open(t)
  const first = await ask()
  t.is((await ask()).id, first.id)
  for (let more = 1; more < 20; more++) await ask(alice, 'erasure', uuidv7())
  await t.throwsAsync(ask(alice, 'erasure', uuidv7()), { code: 'BTZ_TOO_MANY_REQUESTS' })
  await ask(bob, 'erasure', uuidv7())
  await approve(first.id)
  await ask(alice, 'erasure', uuidv7())
  t.is((await approvals.open()).length, 21)
})

test('what ended goes after thirty days, and what is due never', async (t) => {
  const { approvals, clock, ask, approve } = await open(t)
  const due = await approve((await ask()).id)
  const refused = await ask(alice, 'hold.lift')
  await approvals.decide(refused.id, { decision: 'refused', reason: 'no', by: bob })
  clock.advance(29 * dayMs)
  await ask(alice, 'access.view')
  t.is((await approvals.list()).length, 3)
  clock.advance(2 * dayMs)
  await ask(bob, 'access.view', uuidv7())
  const kept = await approvals.list()
  t.deepEqual(kept.map(({ id }) => id).includes(refused.id), false)
  t.deepEqual(await approvals.due(), [due])
})

test('every action of an approval can be asked for and decided', async (t) => {
  const { ask, approve } = await open(t)
  for (const action of ApprovalAction.options) t.is((await approve((await ask(alice, action)).id)).state, 'approved')
})
