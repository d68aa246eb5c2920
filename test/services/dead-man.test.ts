import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type DestinationStream, pino } from 'pino'
import { Registry } from 'prom-client'
import { createOperations } from '#delivery/operations.ts'
import { groupOf } from '#delivery/requests.ts'
import { createIndexer } from '#ingest/indexer/indexer.ts'
import { createEventRecorder } from '#ingest/recorder/event-recorder.ts'
import { Config, withoutSecrets } from '#services/config.ts'
import { type DeadManOptions, startDeadMan } from '#services/dead-man.ts'
import type { ServedSink } from '#services/dead-man-proof.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { deliveryOf } from '#test/delivery/place.ts'
import { closeSharedCatalog, ingestBackends } from '#test/helpers/ingest-backends.ts'
import { until } from '#test/helpers/until.ts'
import { httpReceiver } from './sinks/http-receiver.ts'

test.after.always(closeSharedCatalog)

const limitMs = 60_000
const secret = '0b7c9c7e-ping-secret'

type Broken = { without?: 'indexer' | 'event-recorder' | 'delivery' }

/** All of Bartizan that a ping speaks for, but for what is left out. */
const setUp = async (t: ExecutionContext, { without }: Broken = {}) => {
  const backends = await ingestBackends(t, { ingest: { blockMaxMs: 100 } })
  const { bus, folder } = backends
  const state = await createSqliteStateStore({ file: join(folder, 'state.db') })
  const closers: (() => Promise<unknown>)[] = [state.close]
  const parts = { registry: new Registry() }
  if (without !== 'indexer') closers.push((await createIndexer({ ...backends, ...parts })).close)
  if (without !== 'event-recorder') closers.push((await createEventRecorder({ ...backends, ...parts })).close)
  const sinks = [{ name: 'archive', type: 'file', send: { events: 'all' }, path: join(folder, 'archive.log') }]
  const operations = createOperations({ state, sinks: Config.parse({ sinks }).sinks })
  if (without !== 'delivery') {
    const delivery = await deliveryOf({ bus, state }, sinks)
    closers.push(delivery.close)
    await delivery.look()
  }
  t.teardown(async () => {
    for (const close of closers.reverse()) await close()
  })
  const served = async (): Promise<ServedSink[]> =>
    (await operations.list()).map(({ name, status }) => ({
      name,
      group: groupOf(name),
      saidAtMs: status && Date.parse(status.at),
      isDisabled: status?.state === 'disabled',
    }))
  return { ...backends, served }
}

const start = async (
  t: ExecutionContext,
  backends: Awaited<ReturnType<typeof setUp>>,
  more: Partial<DeadManOptions['config']> & Pick<Partial<DeadManOptions>, 'clock'> = {},
) => {
  const receiver = await httpReceiver(t)
  const lines: string[] = []
  const destination: DestinationStream = { write: (line) => void lines.push(line) }
  const { clock = backends.clock, ...settings } = more
  const url = receiver.url.replace('/hook', `/${secret}`)
  const deadMan = startDeadMan({
    ...backends,
    registry: new Registry(),
    sinks: backends.served,
    config: { url, method: 'GET', intervalMs: 100, timeoutMs: 500, allowPrivate: true, ...settings },
    bastion: 'b1',
    blockMs: 100,
    stepMs: settings.intervalMs ?? 15_000,
    clock,
    log: pino({ level: 'debug' }, destination),
  })!
  t.teardown(deadMan.close)
  return { receiver, lines, said: (text: RegExp) => lines.filter((line) => text.test(line)).length }
}

for (const method of ['GET', 'HEAD', 'POST'] as const)
  test(`while everything works it is pinged by ${method}, again and again, and no line of the log has the address`, async (t) => {
    const { receiver, lines } = await start(t, await setUp(t), { method })
    const methods: (string | undefined)[] = []
    receiver.answer = (_received, response, request) => {
      methods.push(request.method)
      response.end()
    }
    await until(() => receiver.received.length >= 3, { limitMs })
    t.true(receiver.received.every(({ path }) => path === `/${secret}`))
    t.deepEqual(new Set(methods), new Set([method]))
    t.false(lines.some((line) => line.includes(secret)))
  })

const failing = { intervalMs: 700 } // also what every step may take
for (const [part, without] of [
  ['catalog', 'indexer'],
  ['recordings', 'event-recorder'],
  ['delivery', 'delivery'],
] as const)
  test(`where the ${without} does nothing, nobody is told that everything works, and the log names ${part}`, async (t) => {
    const { receiver, said } = await start(t, await setUp(t, { without }), failing)
    await until(() => said(new RegExp(`"part":"${part}"`)) >= 2, { limitMs })
    t.is(receiver.received.length, 0)
  })

test('a bus that takes nothing is no working one', async (t) => {
  const backends = await setUp(t)
  await backends.bus.close()
  const { receiver, said } = await start(t, backends, failing)
  await until(() => said(/"part":"bus"/) >= 2, { limitMs })
  t.is(receiver.received.length, 0)
})

test('evidence that cannot be read back is no evidence; when it can be again, it is told', async (t) => {
  const backends = await setUp(t)
  let isSpoilt = true
  const get: typeof backends.recordings.get = async (key, range) => {
    const bytes = await backends.recordings.get(key, range)
    if (!isSpoilt) return bytes
    const file = join(backends.folder, 'spoilt')
    writeFileSync(file, bytes)
    return Uint8Array.from(bytes, (byte, at) => (at === 20 ? byte ^ 1 : byte))
  }
  const recordings = { ...backends.recordings, get }
  const { receiver, said } = await start(t, { ...backends, recordings }, { intervalMs: 3_000 })
  const wasSpoilt = () => readdirSync(backends.folder).includes('spoilt') // it was a real block
  await until(() => wasSpoilt() && said(/"part":"recordings"/) >= 1, { limitMs })
  t.is(receiver.received.length, 0)
  isSpoilt = false
  await until(() => receiver.received.length > 0, { limitMs })
})

test('a destination of which nothing was heard for a minute is served by nobody', async (t) => {
  let aheadMs = 0
  const clock = { now: () => Date.now() + aheadMs }
  const { receiver, said } = await start(t, await setUp(t), { clock, intervalMs: 3_000 })
  await until(() => receiver.received.length > 0, { limitMs })
  aheadMs = 90_000
  await until(() => said(/nobody serves archive/) > 0, { limitMs })
  const pings = receiver.received.length
  await until(() => said(/nobody serves archive/) > 1, { limitMs })
  t.is(receiver.received.length, pings, 'nothing is told from then on')
})

test('a server that refuses, breaks off, hangs, or stands inside of this network unasked is told of without its address', async (t) => {
  const backends = await setUp(t)
  const refusing = await start(t, backends)
  refusing.receiver.answer = (_received, response) => response.writeHead(404).end()
  const cutting = await start(t, backends)
  cutting.receiver.answer = (_received, response) => response.destroy()
  const hanging = await start(t, backends)
  hanging.receiver.answer = () => undefined
  const inside = await start(t, backends, { allowPrivate: false })
  for (const { lines, said } of [refusing, cutting, hanging, inside]) {
    await until(() => said(/the ping did not arrive/) >= 2, { limitMs })
    t.false(lines.some((line) => line.includes(secret)))
  }
  t.true(refusing.said(/answered 404/) > 0)
  t.is(inside.receiver.received.length, 0)
})

test('without an address nobody is told; of one that is shown only where it leads is seen', (t) => {
  const { deadMan, ...config } = Config.parse({ deadMan: { url: `https://hc.example/${secret}` } })
  t.is(withoutSecrets({ ...config, deadMan }).deadMan.url, 'https://hc.example/…')
  t.false(Config.safeParse({ deadMan: { url: 'https://hc.example/…' } }).success)
  t.is(Config.parse({}).deadMan.url, undefined)
})
