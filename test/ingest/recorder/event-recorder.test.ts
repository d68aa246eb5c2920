import test from 'ava'
import { Registry } from 'prom-client'
import { createOriginGate } from '#ingest/origin/origin-gate.ts'
import { createEventRecorder } from '#ingest/recorder/event-recorder.ts'
import { createEventMetrics } from '#ingest/recorder/metrics.ts'
import { closeEventBlock } from '#ingest/recorder/steps/close-event-block.ts'
import type { HeldEvent } from '#ingest/recorder/steps/describe-event.ts'
import { createCountedDeadLetters } from '#services/dead-letters.ts'
import type { KeyId } from '#services/keys/key-store.ts'
import { buildEventBlock, readEvents } from '#services/recordings/format/event-block.ts'
import { eventBlockKeyOf, eventPrefix } from '#services/recordings/format/evidence-keys.ts'
import { goldenEvidence } from '#test/helpers/golden-evidence.ts'
import { closeSharedCatalog, type IngestBackends, ingestBackends } from '#test/helpers/ingest-backends.ts'
import { until } from '#test/helpers/until.ts'

test.after.always(closeSharedCatalog)

const sessionId = '018f0000-0000-7000-8000-000000000001'
const event = (id: string, fields: object = {}) => ({ id, bastion: 'b1', kind: 'login', ...fields })
const send = (bus: IngestBackends['bus'], events: unknown[]) =>
  bus.produce(
    events.map((one) => ({
      topic: 'session-events',
      key: 'b1',
      value: Buffer.from(typeof one === 'string' ? one : JSON.stringify(one)),
    })),
  )
const stored = async ({ recordings, keys }: IngestBackends) => {
  const all: { key: string; offset: number; id: string; keyId: string; value: object | null }[] = []
  for (const { key } of await recordings.list('evidence/v1/events/', { limit: 1000 })) {
    const keyOf = (id: string) => keys.get(id as KeyId).catch(() => null)
    for await (const { offset, keyId, value } of readEvents(await recordings.get(key), keyOf)) {
      const event = value && JSON.parse(Buffer.from(value).toString())
      all.push({ key, offset, id: event?.id ?? '', keyId, value: event })
    }
  }
  return all
}
const caughtUp = async ({ bus }: IngestBackends) => {
  const lag = (await bus.lag()).filter(({ group }) => group === 'event-recorder')
  return lag.length > 0 && lag.every(({ committed, end }) => committed === end)
}

test('events and alerts become blocks under the id of the bus, each under the key of its session or day', async (t) => {
  const backends = await ingestBackends(t, { ingest: { blockMaxMs: 0 } })
  const recorder = await createEventRecorder(backends)
  t.teardown(recorder.close)
  const events = [event('event-1'), event('event-2', { sessionId })]
  await send(backends.bus, events)
  await backends.bus.produce([{ topic: 'alerts', key: 'a', value: Buffer.from(JSON.stringify({ id: 'alert-1' })) }])
  await until(() => caughtUp(backends))
  const all = await stored(backends)
  const today = new Date().toISOString().slice(0, 10)
  t.deepEqual(
    all.map(({ id, keyId }) => [id, keyId]),
    [
      ['alert-1', `bastion:none:${today}`],
      ['event-1', `bastion:b1:${today}`],
      ['event-2', `session:${sessionId}`],
    ],
  )
  t.deepEqual(
    all.slice(1).map(({ value }) => value),
    events,
  )
  t.is(all[1]?.key, `evidence/v1/events/${backends.bus.id}/session-events/0/00000000000000000000`)
})

test('a block closes at its size, and at a stop', async (t) => {
  const backends = await ingestBackends(t, { ingest: { eventBlockMaxBytes: 2_000 } })
  const recorder = await createEventRecorder(backends)
  await send(
    backends.bus,
    Array.from({ length: 10 }, (_, index) => event(`event-${index}`, { detail: 'x'.repeat(500) })),
  )
  await until(async () => (await stored(backends)).length >= 6)
  await recorder.close()
  const all = await stored(backends)
  t.deepEqual(
    all.map(({ offset }) => offset),
    Array.from({ length: 10 }, (_, index) => index),
  )
  t.true(new Set(all.map(({ key }) => key)).size >= 3)
  t.true(await caughtUp(backends))
})

test('what is no event becomes a dead letter, and the others are stored', async (t) => {
  const backends = await ingestBackends(t)
  const recorder = await createEventRecorder(backends)
  await send(backends.bus, ['{broken', event('event-1'), '[]', '{"no":"id"}', event('event-2')])
  await until(async () => (await backends.bus.read({ topic: 'dead-letters', partition: 0 }, 0, 10)).length === 3)
  await recorder.close()
  t.deepEqual(
    (await stored(backends)).map(({ id }) => id),
    ['event-1', 'event-2'],
  )
  const [letter] = await backends.bus.read({ topic: 'dead-letters', partition: 0 }, 0, 1)
  t.like(letter?.headers, { where: 'event-recorder', code: 'BTZ_REQUEST_INVALID', offset: '0' })
})

const block = async ({ keys, bus }: IngestBackends, ids: string[]) => {
  const keyId = `bastion:b1:${new Date().toISOString().slice(0, 10)}` as const
  const key = await keys.obtain(keyId)
  const place = { busId: bus.id, topic: 'session-events', partition: 0 }
  const events = ids.map((id, offset) => ({
    offset,
    atMs: 1,
    keyId,
    key,
    value: Buffer.from(JSON.stringify(event(id))),
  }))
  return { at: eventBlockKeyOf(eventPrefix(bus.id, 'session-events', 0), 0), bytes: buildEventBlock(place, events) }
}

test('a block that a crash left uncommitted is recognised, and the records after it follow', async (t) => {
  const backends = await ingestBackends(t)
  await send(
    backends.bus,
    ['event-1', 'event-2', 'event-3'].map((id) => event(id)),
  )
  const { at, bytes } = await block(backends, ['event-1', 'event-2'])
  await backends.recordings.put(at, bytes, { retainUntil: new Date(Date.now() + 1000) })
  const recorder = await createEventRecorder(backends)
  await until(async () => (await backends.bus.lag()).length > 0)
  await until(async () => {
    await recorder.drain()
    return caughtUp(backends)
  })
  await recorder.close()
  t.deepEqual(
    (await stored(backends)).map(({ offset, id }) => [offset, id]),
    [
      [0, 'event-1'],
      [1, 'event-2'],
      [2, 'event-3'],
    ],
  )
})

test('of a block that a crash left uncommitted no record is stored again, however few come at a time', async (t) => {
  const backends = await ingestBackends(t)
  const ids = ['event-1', 'event-2', 'event-3', 'event-4', 'event-5']
  await send(
    backends.bus,
    ids.slice(0, 2).map((id) => event(id)),
  )
  const { at, bytes } = await block(backends, ids.slice(0, 4))
  await backends.recordings.put(at, bytes, { retainUntil: new Date(Date.now() + 1000) })
  for (const come of [[], ids.slice(2, 3), ids.slice(3)]) {
    await send(
      backends.bus,
      come.map((id) => event(id)),
    )
    const recorder = await createEventRecorder({ ...backends, registry: new Registry() })
    await until(async () => {
      await recorder.drain()
      return caughtUp(backends)
    })
    await recorder.close()
  }
  const all = await stored(backends)
  t.deepEqual(
    all.map(({ id }) => id),
    ids,
  )
  t.deepEqual([...new Set(all.map(({ key }) => key))], [at, at.replace(/0$/, '4')])
})

test('records that stand in a block of format v0 already are not stored once more in v1', async (t) => {
  const golden = goldenEvidence(0)
  const { busId, topic, partition, prefix } = golden.events
  const backends = await ingestBackends(t)
  const metrics = createEventMetrics(backends.registry)
  const deadLetters = createCountedDeadLetters({ ...backends, where: 'test' }, metrics.deadLetters)
  const gate = createOriginGate({ ...backends, deadLetters })
  const keyOf = async (id: KeyId) => golden.keyOf(id) ?? backends.keys.get(id)
  const ctx = { ...backends, metrics, deadLetters, gate, keys: { obtain: keyOf, get: keyOf } }
  let left: HeldEvent[] = []
  for (const [key, bytes] of golden.objects) {
    if (!key.startsWith(prefix)) continue
    await backends.recordings.put(key, bytes, { retainUntil: new Date(Date.now() + 1000) })
    for await (const { offset, value, keyId } of readEvents(bytes, async (id) => golden.keyOf(id))) {
      const came = {
        topic: 'session-events' as const,
        partition,
        offset,
        key: golden.bastion,
        headers: {},
        timestampMs: 0,
      }
      const record = { ...came, value: value ?? Buffer.from('of an erased session') }
      left.push({ record, bastion: golden.bastion, keyId: keyId as KeyId })
      if (value === null)
        await backends.keys
          .obtain(keyId as KeyId)
          .then(() => backends.keys.destroy(keyId as KeyId, { reason: 'asked', actor: 'dpo', at: new Date() }))
    }
  }
  const done: number[] = []
  for (; left.length > 0; left = left.slice(done.at(-1)))
    done.push((await closeEventBlock(ctx, { busId, topic, partition }, left, true)).done)
  t.deepEqual(done, [4, 1])
  t.deepEqual(await backends.recordings.list('evidence/v1/', { limit: 1 }), [])
})

test('a block with other records in its place is reported, and nothing is dropped silently', async (t) => {
  const backends = await ingestBackends(t)
  await send(backends.bus, [event('event-1'), event('event-2')])
  const { at, bytes } = await block(backends, ['forged-1'])
  await backends.recordings.put(at, bytes, { retainUntil: new Date(Date.now() + 1000) })
  const recorder = await createEventRecorder(backends)
  await until(async () => {
    await recorder.drain()
    return (await stored(backends)).some(({ id }) => id === 'event-2')
  })
  await recorder.close()
  const [letter] = await backends.bus.read({ topic: 'dead-letters', partition: 0 }, 0, 1)
  t.deepEqual(JSON.parse(Buffer.from(letter!.value).toString()), event('event-1'))
  const health = await backends.bus.read({ topic: 'session-events', partition: 0 }, 2, 1)
  t.like(JSON.parse(Buffer.from(health[0]!.value).toString()), { kind: 'recorder_health', status: 'tampered' })
})

test('an event of an erased session keeps its place without its content', async (t) => {
  const backends = await ingestBackends(t)
  await backends.keys.obtain(`session:${sessionId}`)
  await backends.keys.destroy(`session:${sessionId}`, { reason: 'asked', actor: 'dpo', at: new Date() })
  const recorder = await createEventRecorder(backends)
  await send(backends.bus, [event('event-1', { sessionId, line: 'the erased command' }), event('event-2')])
  await until(async () => {
    await recorder.drain()
    return (await stored(backends)).length === 2
  })
  await recorder.close()
  t.deepEqual(
    (await stored(backends)).map(({ id, value }) => [id, value === null]),
    [
      ['', true],
      ['event-2', false],
    ],
  )
})
