import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Cursor } from '#delivery/cursor.ts'
import { cursorKey } from '#delivery/requests.ts'
import { createSuppressions } from '#services/alerts/suppressions.ts'
import { systemClock } from '#services/clock.ts'
import { until } from '#test/helpers/until.ts'
import { httpReceiver } from '#test/services/sinks/http-receiver.ts'
import { newPlace, produceAlerts, someAlert, startDelivery } from './place.ts'

type Page = { type: string; data: Record<string, unknown> }

const pagerPlace = async (t: ExecutionContext, notify = {}) => {
  const place = await newPlace(t)
  const receiver = await httpReceiver(t)
  const secretFile = join(place.folder, 'secret')
  await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}`)
  const sink = {
    name: 'pager',
    type: 'webhook',
    url: receiver.url,
    secretFiles: [secretFile],
    allowPrivate: true,
    send: { alerts: 'medium' },
    notify,
  }
  const pages = () => receiver.received.map(({ body }) => JSON.parse(body) as Page)
  const done = async () => (await place.bus.lag()).every(({ committed, end }) => committed === end)
  return { ...place, sink, pages, done }
}

test('ten thousand revisions of an alert are one notification, also over a restart', async (t) => {
  const place = await pagerPlace(t)
  const revisions = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) => someAlert(1, { revision: from + n, count: from + n }))
  const first = await startDelivery(t, place, [place.sink])
  await produceAlerts(place.bus, revisions(1, 5_000))
  await until(place.done, { limitMs: 30_000 })
  await first.close()
  await startDelivery(t, place, [place.sink])
  await produceAlerts(place.bus, revisions(5_000, 10_001))
  await until(place.done, { limitMs: 30_000 })
  t.deepEqual(
    place.pages().map(({ type }) => type),
    ['alert.open'],
  )
  const { data } = place.pages()[0]!
  t.is(data.momentUrl, 'https://console.example/sessions/s-1?t=61500')
  const marks = await place.state.list('sinks/pager/marks/', { limit: 10 })
  t.is(marks.length, 1)
})

test('what is suppressed is not told, and what is told elsewhere is', async (t) => {
  const place = await pagerPlace(t)
  await createSuppressions({ state: place.state, clock: systemClock }).add(
    { user: 'alice', owner: 'bob', reason: 'drill', expiresAt: new Date(Date.now() + 3_600_000).toISOString() },
    'bob',
  )
  await startDelivery(t, place, [place.sink])
  await produceAlerts(place.bus, [someAlert(1), someAlert(2, { user: 'carol' }), someAlert(3, { severity: 'info' })])
  await until(place.done, { limitMs: 30_000 })
  t.deepEqual(
    place.pages().map(({ data }) => (data.alert as { user: string }).user),
    ['carol'],
  )
})

test('a storm ends in one message, and the digest of the day counts what was held back', async (t) => {
  const place = await pagerPlace(t, { stormMessages: 3, digestTime: '00:00' })
  let nowMs = Date.UTC(2026, 0, 31, 12)
  const at = new Date(nowMs).toISOString()
  await startDelivery(t, place, [place.sink], { clock: { now: () => nowMs } })
  await produceAlerts(place.bus, [
    ...Array.from({ length: 8 }, (_, n) => someAlert(n, { at })),
    someAlert(20, { severity: 'info', count: 10_000 }),
    someAlert(21, { at: new Date(nowMs - 40 * 86_400_000).toISOString() }),
  ])
  await until(place.done, { limitMs: 30_000 })
  nowMs += 600_000
  await until(() => place.pages().some(({ type }) => type === 'storm'), { limitMs: 30_000 })
  t.deepEqual(
    place.pages().map(({ type }) => type),
    ['alert.open', 'alert.open', 'alert.open', 'storm'],
  )
  t.like(place.pages()[3]?.data, { count: 5, highest: 'high' })
  nowMs += 86_400_000
  await until(() => place.pages().some(({ type }) => type === 'digest'), { limitMs: 30_000 })
  t.like(place.pages()[4]?.data, {
    rules: [{ rule: 'auth-failures', severity: 'high', count: 8 }],
    findings: [{ rule: 'auth-failures', count: 1, attempts: 10_000 }],
    capped: 5,
    past: 1,
    suppressed: 0,
  })
})

test('a night in which nothing happens ends in a digest that says so, once, also over a restart', async (t) => {
  const place = await pagerPlace(t, { digestTime: '08:00', digestZone: 'Europe/Berlin' })
  let nowMs = Date.UTC(2026, 0, 31, 22)
  const clock = { now: () => nowMs }
  const first = await startDelivery(t, place, [place.sink], { clock })
  const deskOf = async () => Cursor.safeParse((await place.state.get(cursorKey('pager')))?.value).data?.desk
  await until(async () => Boolean(await deskOf()), { limitMs: 30_000 })
  nowMs += 9 * 3_600_000 // 08:00 in Berlin
  await until(() => place.pages().length > 0, { limitMs: 30_000 })
  await first.close()
  await startDelivery(t, place, [place.sink], { clock })
  await produceAlerts(place.bus, [someAlert(1, { at: new Date(nowMs).toISOString() })])
  await until(() => place.pages().length > 1, { limitMs: 30_000 })
  t.deepEqual(
    place.pages().map(({ type }) => type),
    ['digest', 'alert.open'],
  )
  t.like(place.pages()[0]?.data, { rules: [], findings: [], suppressed: 0, capped: 0, past: 0 })
})
