import { gzipSync } from 'node:zlib'
import test from 'ava'
import { EventsAnswer } from '#services/schema/uplink.ts'
import { eventsOf, recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'

test.after.always(closeSharedCatalog)

const path = '/api/ingest/events'
const login = (id: string, fields: object = {}) => ({
  zz: 'unknown fields are kept',
  kind: 'login',
  id,
  at: '2026-01-31T12:00:00.000Z',
  source: 'openssh',
  bastion: 'bastion-1',
  user: 'alice',
  ...fields,
})
const lines = (...events: (object | string)[]) =>
  events.map((event) => (typeof event === 'string' ? event : JSON.stringify(event))).join('\n')
const answerOf = async (response: Response) => EventsAnswer.parse(await response.json())

test('events are on the bus under their bastion, as they came, with the time they were received', async (t) => {
  const { call, bus } = await serveReceiver(t)
  const sent = [login('event-00001'), login('event-00002')]
  const response = await call('POST', path, `${lines(...sent)}\n`)
  t.deepEqual(await answerOf(response), { accepted: 2, duplicates: 0, rejected: [] })
  const events = await eventsOf(bus)
  t.true(events.every(({ receivedAt }) => Math.abs(Date.parse(receivedAt ?? '') - Date.now()) < 60_000))
  const asSent = events.map(({ receivedAt, ...event }) => JSON.stringify(event))
  t.deepEqual(
    asSent,
    sent.map((event) => JSON.stringify(event)),
  )
  t.deepEqual(
    (await recordsOf(bus, 'session-events')).map(({ key }) => key),
    ['bastion-1', 'bastion-1'],
  )
})

test('a bad line is named by its number, with the reason, and the others are taken', async (t) => {
  const { call, bus } = await serveReceiver(t)
  const body = Buffer.concat([
    Buffer.from(
      lines(
        login('event-00001'),
        '',
        '{broken',
        login('event-00001'),
        login('event-00002', { bastion: 'bastion-2' }),
        login('event-00003', { kind: 'nonsense' }),
        login('short', { id: '' }),
        '  ',
        login('event-00004', { x: 'y'.repeat(1024 * 1024) }),
      ),
    ),
    Buffer.from([0x0a, 0x22, 0xff, 0x22, 0x0a]),
    Buffer.from(JSON.stringify(login('event-00005'))),
  ])
  const answer = await answerOf(await call('POST', path, body))
  t.is(answer.accepted, 2)
  t.is(answer.duplicates, 1)
  t.deepEqual(
    answer.rejected.map(({ line }) => line),
    [3, 5, 6, 7, 9, 10],
  )
  t.regex(answer.rejected[1]!.reason, /bastion-2/)
  t.true(answer.rejected.every(({ reason }) => reason.length > 0 && reason.length <= 500))
  t.deepEqual(
    (await eventsOf(bus)).map(({ id }) => id),
    ['event-00001', 'event-00005'],
  )
})

test('10,000 events are taken in one request, more are refused whole', async (t) => {
  const { call, bus } = await serveReceiver(t)
  const many = (count: number) =>
    gzipSync(lines(...Array.from({ length: count }, (_, n) => login(`event-${n + 10_000}`))))
  const headers = { 'content-encoding': 'gzip' }
  t.is((await call('POST', path, many(10_001), headers)).status, 413)
  t.deepEqual(await recordsOf(bus, 'session-events'), [])
  t.is((await answerOf(await call('POST', path, many(10_000), headers))).accepted, 10_000)
})

test('an admin may send for every bastion', async (t) => {
  const { call, secrets } = await serveReceiver(t)
  const body = lines(login('event-00001', { bastion: 'elsewhere' }))
  t.is((await answerOf(await call('POST', path, body))).accepted, 0)
  const asAdmin = await call('POST', path, body, { authorization: `Bearer ${secrets.admin}` })
  t.is((await answerOf(asAdmin)).accepted, 1)
})

test('an event that names a prototype does no harm and is kept', async (t) => {
  const { call, bus } = await serveReceiver(t)
  const body = JSON.stringify(login('event-00001')).replace('{', '{"__proto__":{"bastion":"x"},')
  t.is((await answerOf(await call('POST', path, body))).accepted, 1)
  const [record] = await recordsOf(bus, 'session-events')
  t.true(Buffer.from(record!.value).includes('"__proto__":{"bastion":"x"}'))
})
