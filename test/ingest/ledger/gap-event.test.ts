import test from 'ava'
import { gapEvent } from '#ingest/ledger/gap-event.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { at, epochMs, sessionRow } from '#test/contract/catalog-place.ts'

const nowMs = epochMs + 3_600_000
const ofState = (state: 'open' | 'late' | 'complete' | 'truncated' | 'recorder_killed') =>
  sessionRow(0, { state, endedAt: state === 'open' || state === 'late' ? null : at(60), endDetail: 'why' })

test('a recording that was killed or cut is said with its session, when it ended, and why', (t) => {
  const row = ofState('recorder_killed')
  const event = SessionEvent.parse(gapEvent(row, 'open', nowMs))
  t.like(event, {
    ...{ kind: 'recorder_health', source: 'ledger', status: 'killed', gap: 'recorder_killed', at: at(60) },
    ...{ sessionId: row.id, bastion: row.bastion, user: row.user, sourceIp: row.sourceIp },
    detail: 'the stream ended without the exit of the session: why',
  })
  t.like(gapEvent(ofState('truncated'), null, nowMs), { status: 'stopped', gap: 'truncated' })
})

test('what stands in the ledger already is not said again, and saying it twice is the same event', (t) => {
  const row = ofState('truncated')
  t.is(gapEvent(row, 'truncated', nowMs), null)
  t.is(gapEvent(ofState('complete'), 'open', nowMs), null)
  t.is(gapEvent(ofState('late'), 'open', nowMs), null)
  t.is(gapEvent(row, 'open', nowMs)?.id, gapEvent(row, 'late', nowMs + 5)?.id)
})

test('that the rest of a cut recording arrived is said, now', (t) => {
  const row = ofState('complete')
  const event = SessionEvent.parse(gapEvent(row, 'truncated', nowMs))
  t.like(event, { status: 'ok', gap: null, at: new Date(nowMs).toISOString(), sessionId: row.id })
  t.not(event.id, gapEvent({ ...row, state: 'truncated' }, null, nowMs)?.id)
})

test('a session without an end, or with one ahead of our clock, is said as of now', (t) => {
  t.is(gapEvent({ ...ofState('truncated'), endedAt: null }, 'open', nowMs)?.at, new Date(nowMs).toISOString())
  t.is(gapEvent({ ...ofState('truncated'), endedAt: at(86_400) }, 'open', nowMs)?.at, new Date(nowMs).toISOString())
})
