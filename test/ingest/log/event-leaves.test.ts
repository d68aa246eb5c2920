import { hash } from 'node:crypto'
import test from 'ava'
import { Registry } from 'prom-client'
import { createEventRecorder } from '#ingest/recorder/event-recorder.ts'
import type { Bus } from '#services/bus/bus.ts'
import { BartizanError } from '#services/errors.ts'
import { LogLeaf } from '#services/schema/log-leaf.ts'
import { closeSharedCatalog, type IngestBackends, ingestBackends } from '#test/helpers/ingest-backends.ts'
import { until } from '#test/helpers/until.ts'
import { latestSize, newSigner, startWriter } from './log-place.ts'

test.after.always(closeSharedCatalog)

const say = (bus: Bus, ids: string[]) =>
  bus.produce(
    ids.map((id) => {
      const value = Buffer.from(JSON.stringify({ id, bastion: 'b1', kind: 'login' }))
      return { topic: 'session-events', key: 'b1', value } as const
    }),
  )
const leavesOf = async (bus: Bus): Promise<LogLeaf[]> => {
  const records = await bus.read({ topic: 'log-entries', partition: 0 }, 0, 10_000)
  return records.map(({ value }) => LogLeaf.parse(JSON.parse(Buffer.from(value).toString())))
}
/** What has to be in the log of the event blocks there are. */
const expectedOf = async ({ recordings, bus }: IngestBackends): Promise<LogLeaf[]> => {
  const listed = await recordings.list('evidence/', { limit: 10_000 })
  const keys = listed.map(({ key }) => key).filter((key) => key.includes(`/events/${bus.id}/`))
  const leafOf = async (key: string) => {
    const sha256 = hash('sha256', await recordings.get(key), 'hex')
    return LogLeaf.parse({ v: 1, kind: 'events', key, sha256 })
  }
  return Promise.all(keys.map(leafOf))
}
const committed = async (bus: Bus) =>
  (await bus.lag()).find(({ group, topic }) => group === 'event-recorder' && topic === 'session-events')?.committed ?? 0

test('each block of events is a leaf, and an idle log stays idle: its own checkpoint makes no further one', async (t) => {
  const backends = await ingestBackends(t)
  const { bus, recordings } = backends
  const place = { bus, recordings, logKey: newSigner() }
  const recorder = await createEventRecorder(backends)
  t.teardown(recorder.close)
  await startWriter(t, { ...place, every: '* * * * * *' })
  const settled = async (count: number) => {
    await recorder.drain()
    return (await committed(bus)) === count
  }
  await say(bus, ['event-1', 'event-2'])
  await until(() => settled(2), { limitMs: 30_000 })
  const first = await expectedOf(backends)
  t.is(first.length, 1)
  t.deepEqual(await leavesOf(bus), first)
  await until(() => settled(3), { limitMs: 30_000, what: 'the event of the checkpoint in a block of its own' })
  t.is((await expectedOf(backends)).length, 2)
  t.deepEqual(await leavesOf(bus), first)
  t.is(await latestSize(place), 1)

  await say(bus, ['event-3'])
  await until(() => settled(5), { limitMs: 30_000, what: 'the next checkpoint' })
  t.is(await latestSize(place), 2)
  t.is((await leavesOf(bus)).length, 2)
})

test('a block that holds a checkpoint and something else is a leaf', async (t) => {
  const backends = await ingestBackends(t)
  const { bus } = backends
  const note = { id: 'x/checkpoint/1', bastion: 'b1', kind: 'access', source: 'log-writer', action: 'log.checkpoint' }
  const value = Buffer.from(JSON.stringify(note))
  await bus.produce([{ topic: 'session-events', key: 'b1', value }])
  await say(bus, ['event-1 log.checkpoint'])
  const recorder = await createEventRecorder(backends)
  t.teardown(recorder.close)
  await until(async () => {
    await recorder.drain()
    return (await committed(bus)) === 2
  })
  const expected = await expectedOf(backends)
  t.is(expected.length, 1)
  t.deepEqual(await leavesOf(bus), expected)
})

test('a block that stands and whose leaf was not said gets it at the next start, before any offset is committed', async (t) => {
  const backends = await ingestBackends(t)
  const { bus } = backends
  const away = new BartizanError('BTZ_UNAVAILABLE', 'log-entries cannot be written now')
  const withoutLog: Bus = {
    ...bus,
    produce: (records) =>
      records.some(({ topic }) => topic === 'log-entries') ? Promise.reject(away) : bus.produce(records),
  }
  await say(bus, ['event-1', 'event-2'])
  const stopped = await createEventRecorder({ ...backends, bus: withoutLog })
  await until(async () => {
    await stopped.drain().catch(() => {})
    return (await expectedOf(backends)).length === 1
  })
  await stopped.close().catch(() => {})
  t.is(await committed(bus), 0)
  t.deepEqual(await leavesOf(bus), [])

  await say(bus, ['event-3'])
  const again = await createEventRecorder({ ...backends, registry: new Registry() })
  t.teardown(again.close)
  await until(async () => {
    await again.drain()
    return (await committed(bus)) === 3
  })
  const byKey = (a: LogLeaf, b: LogLeaf) => a.key.localeCompare(b.key)
  const expected = await expectedOf(backends)
  t.is(expected.length, 2)
  t.deepEqual((await leavesOf(bus)).sort(byKey), expected.sort(byKey))
})
