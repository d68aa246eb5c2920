import test, { type ExecutionContext } from 'ava'
import { v7 as uuidv7 } from 'uuid'
import { createApprovals } from '#services/approvals/approvals.ts'
import { createCustody, isDue, isHeld } from '#services/custody/custody.ts'
import type { Principal } from '#services/schema/access.ts'
import type { CustodyErasure } from '#services/schema/custody.ts'
import { SessionId } from '#services/schema/ids.ts'
import { openState, settableClock } from '../access/state-for-test.ts'

const person = (name: string): Principal => ({ id: `login-${name}`, name, role: 'custodian', bastion: null })
const [alice, bob] = [person('alice'), person('bob')]
const dayMs = 86_400_000

const open = async (t: ExecutionContext) => {
  const { state } = await openState(t)
  const clock = settableClock()
  const approvals = createApprovals({ state, clock })
  const custody = createCustody({ state, clock })
  const sessionId = SessionId.parse(uuidv7())
  const agreed = async (holdIds: string[]) => {
    const asked = await approvals.request({
      ...{ action: 'hold.lift', subject: sessionId, reason: 'the case is closed', by: alice },
      details: { holdIds },
    })
    return approvals.decide(asked.id, { decision: 'approved', reason: 'it is', by: bob })
  }
  return { custody, clock, sessionId, agreed }
}

test('a hold counts at once, and until its end has been carried out', async (t) => {
  const { custody, sessionId, agreed } = await open(t)
  t.is(await custody.get(sessionId), null)
  const { holdId } = await custody.hold(sessionId, { reason: 'a court asks', by: alice })
  t.true(isHeld(await custody.get(sessionId)))
  const approval = await agreed([holdId])
  const lifted = await custody.lift(approval)
  t.true(isHeld(lifted) && isDue(lifted))
  t.like(lifted.holds[0]?.lifted, { requestedBy: { name: 'alice' }, by: { name: 'bob' }, approvalId: approval.id })
  t.deepEqual(await custody.lift(approval), lifted, 'again: the same act')
  await custody.applied(sessionId, lifted.holds[0]!.act.id)
  const done = await custody.applied(sessionId, lifted.holds[0]!.lifted!.act.id)
  t.false(isHeld(done) || isDue(done))
})

test('a hold that was set after somebody asked to lift others stands', async (t) => {
  const { custody, sessionId, agreed } = await open(t)
  const first = await custody.hold(sessionId, { reason: 'a court asks', by: alice })
  const approval = await agreed([first.holdId])
  const second = await custody.hold(sessionId, { reason: 'another court asks', by: bob })
  const { holds } = await custody.lift(approval)
  t.deepEqual(
    holds.map(({ holdId, lifted }) => [holdId, lifted !== null]),
    [
      [first.holdId, true],
      [second.holdId, false],
    ],
  )
})

test('holds set at the same moment all stand', async (t) => {
  const { custody, sessionId } = await open(t)
  await Promise.all(['a', 'b', 'c', 'd'].map((reason) => custody.hold(sessionId, { reason, by: alice })))
  t.deepEqual((await custody.get(sessionId))?.holds.map(({ reason }) => reason).sort(), ['a', 'b', 'c', 'd'])
})

test('a retention becomes longer and never shorter, and each decision is carried out before the next', async (t) => {
  const { custody, clock, sessionId } = await open(t)
  const in10Days = new Date(clock.now() + 10 * dayMs)
  const until = (days: number) => ({ until: new Date(clock.now() + days * dayMs), reason: 'audit', by: alice })
  const { act } = await custody.retain(sessionId, until(10))
  await t.throwsAsync(custody.retain(sessionId, until(5)), { code: 'BTZ_STATE_CONFLICT', message: /kept until/ })
  await t.throwsAsync(custody.retain(sessionId, until(20)), { code: 'BTZ_STATE_CONFLICT', message: /carried out/ })
  await custody.applied(sessionId, act.id)
  await custody.retain(sessionId, until(20))
  t.true(Date.parse((await custody.get(sessionId))?.retention?.until ?? '') > in10Days.getTime())
})

test('what is being erased cannot be held any more', async (t) => {
  const { custody, clock, sessionId } = await open(t)
  const erasure: CustodyErasure = {
    ...{ state: 'erasing', approvalId: uuidv7(), reason: 'asked for', at: new Date(clock.now()).toISOString() },
    ...{ requestedBy: alice, by: bob, act: null, appliedAt: null, lastAct: null },
  }
  await custody.update(sessionId, (before) => ({ ...before, erasure }))
  await t.throwsAsync(custody.hold(sessionId, { reason: 'too late', by: alice }), { code: 'BTZ_ERASED' })
})
