import { join } from 'node:path'
import test from 'ava'
import { decodeEntity, encodeEntity, entityPrefix } from '#detectors/runner/entity-store.ts'
import { forgetInStore } from '#detectors/runner/forget-session.ts'
import type { StoredEntity } from '#detectors/runner/held.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { alert } from '#test/contract/catalog-alerts.ts'
import { event, newId } from '#test/contract/catalog-place.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const marker = 'zqforget5'

/** As the runner stores one, with something of the session in each of its places. */
const storedWith = (sessionId: string, other: string): StoredEntity => {
  const incident = (id: string, text: string) => ({
    ...{ ruleId: 'privilege-escalation' as const, window: id, revision: 2, decidedMs: 5, connections: [], opened: [] },
    finding: {
      ...{ window: id, severity: 'high' as const, title: text, explanation: text, sessionIds: [id] },
      ...{ count: 1, firstEventMs: 1, lastEventMs: 2 },
    },
  })
  const observed = (id: string, text: string) => ({
    event: event(1, { kind: 'command', sessionId: id, argv: [text], line: text, via: 'exec' }),
    timeMs: 1,
    origin: null,
  })
  const deeds = (text: string) => [{ kind: 'sudoers', line: text, severity: 'high' }]
  const cases = [
    { window: sessionId, sessionId, deeds: deeds(marker), count: 1 },
    { window: other, sessionId: other, deeds: deeds('stays'), count: 1 },
  ]
  const base = {
    ...{ annotation: null, facts: { firstAtMs: 1, loginCount: 0, loginDays: 0, lastLoginDay: -1 }, timeMs: 1 },
    rules: { 'privilege-escalation': { cases } },
    incidents: { one: incident(sessionId, marker), two: incident(other, 'stays') },
  }
  const published = {
    one: { incident: incident(sessionId, marker), digest: 'before' },
    two: { incident: incident(other, 'stays'), digest: 'same' },
    pending: { incident: incident(sessionId, marker), digest: 'before' },
  }
  const told = alert(marker, 3, { explanation: marker, sessionIds: [sessionId] })
  return {
    ...{ busId: 'bus', appliedOffset: 7, highWater: [['session-events/0', 7]] },
    outbox: [{ topic: 'alerts', key: told.id, value: JSON.stringify(told), headers: {} }],
    snapshot: {
      ...{ subject: { kind: 'user', key: 'alice' }, base, baseFirstMs: 1, published },
      pending: [observed(sessionId, marker), observed(other, 'stays')].map((one) => ({
        ...{ observed: one, forwarded: null, arrivedMs: 1, version: 0 },
      })),
      ...{ tickMs: 1, maxMs: 1, reachedMs: 1, arrivedMs: 1, seen: [] },
    },
  }
}

test('rules forget what they quote of an erased session, and nothing of another one', async (t) => {
  const state = await createSqliteStateStore({ file: join(await temporaryFolder(t), 'state.db') })
  t.teardown(state.close)
  const [sessionId, other] = [newId(), newId()]
  const stored = storedWith(sessionId, other)
  await state.put(`${entityPrefix}one`, await encodeEntity(stored))
  await state.put(`${entityPrefix}two`, await encodeEntity(storedWith(other, other)))
  t.is(await forgetInStore(state, sessionId), 1)
  const after = await decodeEntity((await state.get(`${entityPrefix}one`))?.value)
  t.false(JSON.stringify(after).includes(marker))
  t.true(JSON.stringify(after).includes('stays'))
  const { published, base, pending } = after.snapshot
  t.deepEqual(Object.keys(published), ['one', 'two'], 'nothing is taken back that only pending events had made')
  t.not(published.one?.digest, 'before', 'and nothing is told once more')
  t.deepEqual([published.two, base.incidents.two], [stored.snapshot.published.two, stored.snapshot.base.incidents.two])
  t.like(pending[0]?.observed.event, { kind: 'command', argv: [], line: '', sessionId })
  t.deepEqual(pending[1], JSON.parse(JSON.stringify(stored.snapshot.pending[1])))
  t.is(await forgetInStore(state, sessionId), 0, 'twice is once')
})
