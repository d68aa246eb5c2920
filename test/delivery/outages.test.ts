import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Registry } from 'prom-client'
import { createOperations } from '#delivery/operations.ts'
import { SinkSettings } from '#services/schema/sink-settings.ts'
import { freePort } from '#test/helpers/free-port.ts'
import { until } from '#test/helpers/until.ts'
import { wholeLines } from '#test/helpers/whole-lines.ts'
import { httpReceiver } from '#test/services/sinks/http-receiver.ts'
import { mailReceiver } from '#test/services/sinks/mail-receiver.ts'
import {
  commandEvent,
  deliveryOf,
  fastClock,
  newPlace,
  produceAlerts,
  produceEvents,
  someAlert,
  startDelivery,
} from './place.ts'

const hookPlace = async (t: ExecutionContext) => {
  const place = await newPlace(t)
  const receiver = await httpReceiver(t)
  const secretFile = join(place.folder, 'secret')
  await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}`)
  const hook = {
    name: 'soar',
    type: 'webhook',
    url: receiver.url,
    secretFiles: [secretFile],
    allowPrivate: true,
    send: { events: 'all' },
    batch: { items: 50, waitMs: 20 },
  }
  const path = join(place.folder, 'siem.ndjson')
  const file = { name: 'siem', type: 'file', send: { events: 'all' }, path }
  const accepted: { seq: number; event: { id: string } }[] = []
  const accept = (body: string) => accepted.push(...(JSON.parse(body) as { items: typeof accepted }).items)
  const fileIds = async () =>
    (await wholeLines(path)).map((line) => (JSON.parse(line) as { event: { id: string } }).event.id)
  return { ...place, receiver, hook, file, accepted, accept, fileIds }
}
const many = (from: number, count: number) => Array.from({ length: count }, (_, n) => commandEvent(from + n))
const seqs = (count: number) => Array.from({ length: count }, (_, n) => n + 1)

test('one malformed event, one of 5 MB and one that is refused: all others arrive, without a gap, and nobody else is touched', async (t) => {
  const { bus, state, receiver, hook, file, accepted, accept, fileIds } = await hookPlace(t)
  receiver.answer = ({ body }, response) => {
    if (body.includes('"ls 30"')) return response.writeHead(422).end()
    accept(body)
    return response.end()
  }
  const events = many(0, 60)
  await produceEvents(bus, events.slice(0, 20))
  await bus.produce([{ topic: 'session-events', key: 'b0', value: Buffer.from('{"id": "torn') }])
  const large = commandEvent(500, { line: 'x'.repeat(5_000_000) })
  await produceEvents(bus, [large])
  await produceEvents(bus, events.slice(20))
  await startDelivery(t, { bus, state }, [hook, file])
  await until(() => accepted.length >= 59, { limitMs: 30_000 })
  await until(async () => (await fileIds()).length === 61, { limitMs: 30_000 })
  t.deepEqual(
    accepted.map(({ seq }) => seq),
    seqs(59),
  )
  t.deepEqual(
    accepted.map(({ event }) => event.id).sort(),
    events.map(({ id }) => id).filter((id) => id !== commandEvent(30).id),
  )
  t.true((await fileIds()).includes(large.id))
  const letters = (
    await Promise.all([0, 1, 2].map((partition) => bus.read({ topic: 'dead-letters', partition }, 0, 100)))
  ).flat()
  const why = letters.map(({ headers }) => [headers.where, headers.code, headers.reason])
  t.deepEqual(why.sort(), [
    ['sink-siem', 'BTZ_REQUEST_INVALID', 'not JSON'],
    ['sink-soar', 'BTZ_REQUEST_INVALID', 'not JSON'],
    ['sink-soar', 'BTZ_SINK_REFUSED', 'larger than 1048576 bytes as a message'],
    ['sink-soar', 'BTZ_SINK_REFUSED', 'the receiver refused it'],
  ])
})

test('a destination that is down for ten minutes gets everything afterwards, in order; the other one never waits', async (t) => {
  const { bus, state, receiver, hook, file, accepted, accept, fileIds } = await hookPlace(t)
  const factor = 300
  const time = fastClock(factor)
  const downUntilMs = time.clock.now() + 600_000
  const answers = [500, 503, 429]
  receiver.answer = ({ body }, response, request) => {
    if (time.clock.now() >= downUntilMs) {
      accept(body)
      return response.end()
    }
    if (receiver.received.length % 4 === 0) return request.socket.resetAndDestroy()
    if (receiver.received.length % 4 === 1) return // no answer at all
    return response.writeHead(answers[receiver.received.length % 3]!, { 'retry-after': '20' }).end()
  }
  const registry = new Registry()
  const delivery = await startDelivery(t, { bus, state }, [{ ...hook, timeoutMs: 300 }, file], { ...time, registry })
  await produceEvents(bus, many(0, 500))
  await until(async () => (await fileIds()).length === 500, { limitMs: 30_000 })
  await until(() => receiver.received.length > 1, { limitMs: 30_000 })
  await delivery.look()
  const operations = createOperations({ state, sinks: [SinkSettings.parse(hook)] })
  const [{ status } = { status: null }] = await operations.list()
  if (time.clock.now() < downUntilMs) {
    t.like(status, { state: 'retrying', lastSeq: 0 })
    t.true((status?.lagRecords ?? 0) > 0)
  }
  await until(() => accepted.length >= 500, { limitMs: 60_000 })
  t.deepEqual(
    accepted.map(({ seq }) => seq),
    seqs(500),
  )
  // Full jitter up to a minute, and 20 s where that was asked for: not a storm of attempts.
  t.true(receiver.received.length < 200, `${receiver.received.length} requests`)
  await delivery.look()
  t.regex(await registry.metrics(), /bartizan_sink_taken_total\{sink="soar"\} 500/)
})

test('a destination that is away for long is told as an event, once', async (t) => {
  const { bus, state, receiver, hook } = await hookPlace(t)
  receiver.answer = (_received, response) => response.writeHead(503).end()
  const time = fastClock(1)
  let aheadMs = 0
  const clock = { now: () => time.clock.now() + aheadMs }
  const delivery = await startDelivery(t, { bus, state }, [{ ...hook, send: { events: ['command'] } }], {
    ...time,
    clock,
  })
  await produceEvents(bus, many(0, 1))
  await until(() => receiver.received.length > 0, { limitMs: 30_000 })
  // To the middle of an hour: it is told once in each.
  aheadMs = 20 * 60_000
  while (new Date(clock.now()).getUTCMinutes() !== 30) aheadMs += 60_000
  await delivery.look()
  await delivery.look()
  const records = (
    await Promise.all([0, 1, 2].map((partition) => bus.read({ topic: 'session-events', partition }, 0, 100)))
  ).flat()
  const told = records
    .map(({ value }) => JSON.parse(Buffer.from(value).toString()))
    .filter(({ source }) => source === 'delivery')
  t.is(told.length, 1)
  t.like(told[0], { kind: 'recorder_health', agent: 'sink-soar' })
  t.regex(told[0].detail, /sink_behind/)
})

test('a replay sends again with new numbers, from a time or a number on; a test stands outside of the sequence', async (t) => {
  const { bus, state, receiver, hook, accepted, accept } = await hookPlace(t)
  receiver.answer = ({ body }, response) => {
    accept(body)
    response.end()
  }
  await startDelivery(t, { bus, state }, [hook])
  const operations = createOperations({ state, sinks: [SinkSettings.parse(hook)] })
  await produceEvents(bus, many(0, 30))
  await until(() => accepted.length === 30, { limitMs: 30_000 })
  t.is(await operations.test('soar'), 'taken')
  t.is(accepted.at(-1)?.seq, 0)
  await operations.replay('soar', { fromMs: 0 })
  await until(() => accepted.length === 61, { limitMs: 30_000 })
  await until(async () => (await state.get('sinks/soar/request')) === null, { limitMs: 30_000 })
  await operations.replay('soar', { fromSeq: 1 })
  await until(() => accepted.length === 91, { limitMs: 30_000 })
  const sequence = accepted.filter(({ seq }) => seq > 0)
  t.deepEqual(
    sequence.map(({ seq }) => seq),
    seqs(90),
  )
  t.is(new Set(sequence.map(({ event }) => event.id)).size, 30)
  await t.throwsAsync(operations.replay('nobody', { fromMs: 0 }), { code: 'BTZ_NOT_FOUND' })
})

test('a destination that is away at the end keeps nothing else from closing', async (t) => {
  const { bus, state } = await newPlace(t)
  let connections = 0
  const receiver = createServer({ allowHalfOpen: true }, (socket) => {
    connections++
    socket.on('error', () => {})
    // The first connection confirms what it got; the next one breaks, and then nobody is there.
    if (connections === 1) return socket.resume().on('end', () => socket.end())
    receiver.close()
    return socket.once('data', () => socket.resetAndDestroy())
  }).listen(0, '127.0.0.1')
  t.teardown(() => receiver.close())
  await once(receiver, 'listening')
  const { port } = receiver.address() as AddressInfo
  const syslog = { name: 'siem', type: 'syslog', transport: 'tcp', host: '127.0.0.1', port, send: { events: 'all' } }
  const registry = new Registry()
  const delivery = await deliveryOf({ bus, state }, [syslog], { registry })
  const taken = async (count: number) =>
    until(async () => (await registry.metrics()).includes(`bartizan_sink_taken_total{sink="siem"} ${count}`), {
      limitMs: 30_000,
    })
  await produceEvents(bus, many(0, 1))
  await taken(1)
  await produceEvents(bus, many(1, 1))
  await taken(2)
  await until(() => connections === 2, { limitMs: 30_000 })
  await t.notThrowsAsync(delivery.close())
})

test('a mail server and a syslog receiver that are down for ten minutes get everything afterwards, each mail once', async (t) => {
  const { bus, state } = await newPlace(t)
  const time = fastClock(300)
  const [mailPort, syslogPort] = [await freePort(), await freePort()]
  const at = { host: '127.0.0.1' }
  const mail = { ...at, name: 'mail', type: 'mail', port: mailPort, tls: 'none' }
  const addresses = { from: 'bartizan@example.org', to: ['oncall@example.org'] }
  const syslog = { ...at, name: 'siem', type: 'syslog', transport: 'tcp', port: syslogPort, send: { events: 'all' } }
  const downUntilMs = time.clock.now() + 600_000
  await startDelivery(t, { bus, state }, [{ ...mail, ...addresses }, syslog], time)
  await produceEvents(bus, many(0, 300))
  const twice = (n: number) => [1, 2].map((revision) => someAlert(n, { revision }))
  await produceAlerts(bus, [1, 2, 3].flatMap(twice))
  await until(() => time.clock.now() >= downUntilMs, { limitMs: 30_000 })

  const messages: string[] = []
  const receiver = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (data) => messages.push(data.toString())).on('error', () => {})
    socket.on('end', () => socket.end())
  }).listen(syslogPort, '127.0.0.1')
  t.teardown(() => receiver.close())
  const { mails } = await mailReceiver(t, { port: mailPort, busy: 2 })
  const numbers = () => new Set([...messages.join('').matchAll(/ seq="(\d+)"/g)].map(([, seq]) => Number(seq)))
  await until(() => numbers().size >= 300 && mails.length >= 3, { limitMs: 60_000 })
  t.deepEqual(
    [...numbers()].sort((a, b) => a - b),
    seqs(300),
  )
  t.deepEqual(mails.map(({ subject }) => subject.slice(-3)).sort(), ['(1)', '(2)', '(3)'])
})
