import test from 'ava'
import { type DecideOptions, decide } from '#delivery/decide.ts'
import { newDesk } from '#delivery/desk.ts'
import { isDigestDue, lastDigestDate, localTime, takeStorm } from '#delivery/digest.ts'
import type { Mark } from '#delivery/mark.ts'
import type { Alert } from '#services/schema/alert.ts'
import { someAlert } from './place.ts'

const nowMs = Date.UTC(2026, 0, 31, 12)
const at = new Date(nowMs).toISOString()
const options: DecideOptions = {
  minSeverity: 'low',
  notify: { stormMessages: 20, stormMs: 600_000 },
  isSuppressed: false,
  nowMs,
}

/** One after another, as one destination sees them. */
const tell = (revisions: Partial<Alert>[], given: Partial<DecideOptions> = {}) => {
  let [mark, desk]: [Mark | null, ReturnType<typeof newDesk>] = [null, newDesk(nowMs, '2026-01-31')]
  const told = revisions.map((more, n) => {
    const alert = someAlert(1, { at, revision: n + 1, ...more })
    const decision = decide(alert, mark, desk, { ...options, ...given })
    ;({ mark, desk } = decision)
    return decision.notice?.status ?? null
  })
  return { told, desk }
}
const triaged = (status: Alert['status']): Partial<Alert> => ({
  status,
  triage: { status, actor: 'bob', at, reason: null },
})

test('an alert is told once however often it grows, and once more for each higher severity', (t) => {
  const { told } = tell([
    { severity: 'low' },
    { severity: 'low', count: 2 },
    { severity: 'high' },
    { severity: 'medium' },
    { severity: 'high' },
    { severity: 'critical' },
  ])
  t.deepEqual(told, ['open', null, 'open', null, null, 'open'])
})

test('each status is told once; what a person decided outlives what the detectors say after it', (t) => {
  const { told } = tell([{}, triaged('acknowledged'), { count: 9 }, triaged('resolved'), { count: 10 }])
  t.deepEqual(told, ['open', 'acknowledged', null, 'resolved', null])
})

test('an alert that was acknowledged and becomes worse is told again, one that was called false is not', (t) => {
  t.deepEqual(tell([{ severity: 'low' }, triaged('acknowledged'), { severity: 'critical' }]).told.at(-1), 'open')
  t.deepEqual(tell([{ severity: 'low' }, triaged('false_positive'), { severity: 'critical' }]).told.at(-1), null)
})

test('that an alert lost its ground is told to whom it was told', (t) => {
  t.deepEqual(tell([{}, { withdrawn: true, status: 'resolved' }]).told, ['open', 'withdrawn'])
  t.deepEqual(tell([{ withdrawn: true, status: 'resolved' }]).told, [null])
})

test('findings, what is too low, suppressed or from the past is not told but counted', (t) => {
  const finding = tell([
    { severity: 'info', count: 5 },
    { severity: 'info', count: 10_000 },
  ])
  t.deepEqual(finding.told, [null, null])
  t.deepEqual(finding.desk.digest.findings, { 'auth-failures': { count: 1, attempts: 10_000 } })
  t.deepEqual(tell([{ severity: 'low' }], { minSeverity: 'high' }).told, [null])
  const suppressed = tell([{}, { count: 2 }], { isSuppressed: true })
  t.deepEqual([suppressed.told, suppressed.desk.digest.suppressed], [[null, null], 1])
  const past = tell([{ at: new Date(nowMs - 25 * 3_600_000).toISOString() }])
  t.deepEqual([past.told, past.desk.digest.past], [[null], 1])
})

test('beyond the limit alerts become one message, after which the limit begins anew', (t) => {
  let desk = newDesk(nowMs, '2026-01-31')
  const told: (string | null)[] = []
  for (let n = 0; n < 25; n++) {
    const decision = decide(someAlert(n, { at, severity: n === 23 ? 'critical' : 'low' }), null, desk, options)
    desk = decision.desk
    told.push(decision.notice?.status ?? null)
  }
  t.is(told.filter((status) => status === 'open').length, 20)
  const { notify } = options
  const whole = { ...notify, digestTime: '08:00', digestZone: 'UTC' }
  t.is(takeStorm(desk, whole, nowMs + 599_000), null)
  const storm = takeStorm(desk, whole, nowMs + 600_000)!
  t.like(storm.notice, { count: 5, highest: 'critical' })
  const later = { ...options, nowMs: nowMs + 601_000 }
  t.is(decide(someAlert(99, { at }), null, storm.desk, later).notice?.status, 'open')
  t.is(desk.digest.capped, 5)
})

test('a digest is due once per day of its zone, also across a change of the clocks and after a long stop', (t) => {
  const notify = { digestTime: '08:00', digestZone: 'Europe/Berlin', stormMessages: 1, stormMs: 1 }
  const desk = (lastDate: string) => newDesk(0, lastDate)
  t.false(isDigestDue(desk('2026-03-28'), notify, Date.UTC(2026, 2, 29, 5, 59))) // 07:59 in summer time
  t.true(isDigestDue(desk('2026-03-28'), notify, Date.UTC(2026, 2, 29, 6, 0)))
  t.false(isDigestDue(desk('2026-03-29'), notify, Date.UTC(2026, 2, 29, 18, 0)))
  t.true(isDigestDue(desk('2026-01-01'), notify, Date.UTC(2026, 2, 29, 18, 0)))
  t.is(lastDigestDate(notify, Date.UTC(2026, 2, 29, 5, 0)), '2026-03-28')
  t.deepEqual(localTime(Date.UTC(2026, 0, 31, 23, 5), 'Asia/Tokyo'), { date: '2026-02-01', time: '08:05' })
})
