import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { createRecorder } from '#ingest/recorder/recorder.ts'
import { SignedHeadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { closeSharedCatalog, type IngestBackends, ingestBackends } from '#test/helpers/ingest-backends.ts'
import { createSessionBatches, type SessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { hexOf, storedEvidence } from '#test/helpers/stored-evidence.ts'
import { until } from '#test/helpers/until.ts'

test.after.always(closeSharedCatalog)

const head = () => ({ head: create(SignedHeadSchema, { keyId: 'k', hash: new Uint8Array(32) }) })
const send = (bus: IngestBackends['bus'], { sessionId }: SessionBatches, batches: Uint8Array[]) =>
  bus.produce(batches.map((value) => ({ topic: 'session-frames', key: sessionId, value })))
const lagOf = async (bus: IngestBackends['bus']) =>
  (await bus.lag()).reduce((sum, { committed, end }) => sum + end - committed, 0)

test('what is on the bus becomes sealed evidence, and its offset is committed', async (t) => {
  const backends = await ingestBackends(t, { partitions: 4 })
  const recorder = await createRecorder(backends)
  t.teardown(recorder.close)
  const sessions = Array.from({ length: 6 }, () => createSessionBatches())
  const sent = sessions.map((session) => [
    session.first(textFrame('hello')),
    session.next(),
    session.end(),
    session.withFields(head()),
  ])
  await Promise.all(sessions.map((session, index) => send(backends.bus, session, sent[index]!)))
  await until(async () => (await lagOf(backends.bus)) === 0)
  for (const [index, { sessionId }] of sessions.entries()) {
    const stored = await storedEvidence(backends, sessionId)
    t.deepEqual(stored.batches, hexOf(sent[index]!))
    t.is(stored.manifests.length, 1)
  }
  const metrics = await backends.registry.metrics()
  t.regex(metrics, /bartizan_recorder_batches_total 24/)
  t.regex(metrics, /bartizan_recorder_blocks_total\{why="seal"\} 6/)
  t.regex(metrics, /bartizan_bus_lag_records\{group="recorder",topic="session-frames"\} 0/)
})

test('a stop stores what is open, and the next start goes on after it', async (t) => {
  const backends = await ingestBackends(t)
  const session = createSessionBatches()
  const batches = [session.first(textFrame('a')), session.next(textFrame('b')), session.next(textFrame('c'))]
  const first = await createRecorder(backends)
  await send(backends.bus, session, batches.slice(0, 2))
  await until(async () => /recorder_batches_total 2/.test(await backends.registry.metrics()))
  await first.close()
  t.is(await lagOf(backends.bus), 0)
  backends.registry.clear()
  const second = await createRecorder(backends)
  await send(backends.bus, session, batches.slice(2))
  await until(async () => /recorder_batches_total 1/.test(await backends.registry.metrics()))
  await second.close()
  const stored = await storedEvidence(backends, session.sessionId)
  t.deepEqual(stored.batches, hexOf(batches))
  t.deepEqual(
    stored.blocks.map(({ firstSeq }) => firstSeq),
    [0, 2],
  )
})

test('when open blocks hold too much, the largest is closed first', async (t) => {
  const backends = await ingestBackends(t, { partitions: 2, ingest: { memoryBytes: 300_000 } })
  const recorder = await createRecorder(backends)
  t.teardown(recorder.close)
  const [large, small] = [createSessionBatches(), createSessionBatches()]
  const noise = (sizeBytes: number) => textFrame(randomBytes(sizeBytes).toString('base64'))
  await send(backends.bus, small, [small.first(noise(20_000))])
  await send(backends.bus, large, [large.first(noise(150_000)), large.next(noise(150_000))])
  await until(async () => (await storedEvidence(backends, large.sessionId)).blocks.length === 1)
  t.is((await storedEvidence(backends, small.sessionId)).blocks.length, 0)
  const isCounted = async () =>
    /bartizan_recorder_blocks_total\{why="memory"\} 1/.test(await backends.registry.metrics())
  await until(isCounted)
})

test('evidence and keys hold no clear text of a session', async (t) => {
  const backends = await ingestBackends(t)
  const recorder = await createRecorder(backends)
  const session = createSessionBatches()
  const words = ['mumble-secret-one', 'x'.repeat(40_000), 'alice']
  await send(backends.bus, session, [session.first(...words.map((word) => textFrame(word))), session.end()])
  await until(async () => /recorder_batches_total 2/.test(await backends.registry.metrics()))
  await recorder.close()
  const files = (await readdir(backends.folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => /\/(evidence|keys)\//.test(file))
  t.true(files.length >= 3)
  for (const file of files) {
    const bytes = await readFile(file)
    for (const word of ['mumble-secret-one', 'xxxxxxxx', 'alice']) t.false(bytes.includes(word), file)
  }
})
