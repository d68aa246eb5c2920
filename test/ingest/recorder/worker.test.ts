import { createHash, randomBytes } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import test from 'ava'
import { v7 } from 'uuid'
import { createFrameWorker } from '#ingest/recorder/worker.ts'
import type { BlockRow } from '#services/catalog/catalog.ts'
import { BartizanError } from '#services/errors.ts'
import { encodeFrameBatch } from '#services/recordings/format/frame-batch.ts'
import { SignedHeadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { eventsOf, frameWorkers, recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { hexOf, storedEvidence } from '#test/helpers/stored-evidence.ts'
import { until } from '#test/helpers/until.ts'

test.after.always(closeSharedCatalog)

const control = { heartbeat: async () => {}, signal: new AbortController().signal }
const head = () => ({ head: create(SignedHeadSchema, { keyId: 'k', hash: new Uint8Array(32) }) })
/** Rows are written behind the evidence, and the offset is committed after them: some ticks later. */
const untilCommitted = (w: { committed: number[] }, worker: { tick(): Promise<void> }, nextOffset: number) =>
  until(
    async () => {
      await worker.tick()
      return w.committed.at(-1) === nextOffset
    },
    { what: `commit of ${nextOffset}` },
  )
const sessionOf = (count: number) => {
  const session = createSessionBatches()
  const batches = [session.first(textFrame('first'))]
  while (batches.length < count) batches.push(session.next(textFrame(`batch ${batches.length}`)))
  return { session, batches }
}

test('a session becomes blocks, rows and a manifest, and is committed only then', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(3)
  batches.push(session.end(textFrame('logout')))
  await worker.takeBatches(...batches)
  await worker.tick()
  t.deepEqual(w.committed, [])
  t.is((await storedEvidence(w, session.sessionId)).objects.length, 0)
  w.clock.advance(2_000)
  await untilCommitted(w, worker, 4)
  const { blocks, manifests, objects } = await storedEvidence(w, session.sessionId)
  t.deepEqual((await storedEvidence(w, session.sessionId)).batches, hexOf(batches))
  t.deepEqual(
    objects.map(({ key }) => key),
    [
      `evidence/v1/2026-01-31/${session.sessionId}/000000000000`,
      `evidence/v1/2026-01-31/${session.sessionId}/manifest-0001`,
    ],
  )
  t.true(blocks[0]?.seals)
  t.like(manifests[0], { endReason: 'exit', provisional: false, previous: null })
  t.deepEqual(manifests[0]?.gaps, [])
  const rows = await w.catalog.blocks(session.sessionId)
  t.like(rows[0], { firstSeq: 0, lastSeq: 3, seals: true, key: objects[0]?.key })
})

test('the manifest names the SHA-256 of every block as it stands in the store', async (t) => {
  const w = await frameWorkers(t, { blockMaxBytes: 100_000 })
  const worker = w.start()
  const session = createSessionBatches()
  const noise = () => textFrame(randomBytes(30_000).toString('hex'))
  await worker.takeBatches(session.first(noise()), session.next(noise()), session.next(noise()), session.next(noise()))
  await worker.takeBatches(session.end(), session.withFields(head()))
  const { manifests, blockBytes } = await storedEvidence(w, session.sessionId)
  t.true(blockBytes.length >= 2)
  t.deepEqual(
    manifests[0]?.blocks.map(({ sha256 }) => sha256),
    blockBytes.map((bytes) => createHash('sha256').update(bytes).digest('hex')),
  )
})

test('the signed head after the end is sealed with it at once', async (t) => {
  const w = await frameWorkers(t)
  const session = createSessionBatches()
  const batches = [session.first(), session.end(), session.withFields(head())]
  await w.start().takeBatches(...batches)
  const { manifests, ...stored } = await storedEvidence(w, session.sessionId)
  t.deepEqual(stored.batches, hexOf(batches))
  t.is(manifests[0]?.blocks[0]?.lastSeq, 2)
})

test('a block closes at its age, at its size and before a batch that would make it too large', async (t) => {
  const w = await frameWorkers(t, { blockMaxBytes: 50_000, blockMaxMs: 60_000 })
  const worker = w.start()
  const session = createSessionBatches()
  const large = () => textFrame(randomBytes(15_000).toString('hex'))
  await worker.takeBatches(session.first(large()), session.next(large()), session.next(large()), session.next(large()))
  await worker.tick()
  const full = await storedEvidence(w, session.sessionId)
  t.true(full.blocks.length >= 1)
  for (const { sizeBytes } of full.blocks) t.true(sizeBytes < 52_000)
  w.clock.advance(60_000)
  await untilCommitted(w, worker, 4)
  t.is((await storedEvidence(w, session.sessionId)).batches.length, 4)
})

test('a clock that goes back closes a block instead of keeping it open', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(1)
  await worker.takeBatches(...batches)
  w.clock.advance(-3_600_000)
  await worker.tick()
  t.is((await storedEvidence(w, session.sessionId)).batches.length, 1)
})

test('the offset of the oldest open block holds the commit of the whole partition', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const [old, young] = [sessionOf(1), sessionOf(1)]
  await worker.takeBatches(...old.batches)
  w.clock.advance(30_000)
  await worker.takeBatches(...young.batches)
  await worker.tick()
  t.deepEqual(w.committed, [])
  w.clock.advance(30_000)
  await untilCommitted(w, worker, 1)
  w.clock.advance(30_000)
  await untilCommitted(w, worker, 2)
  t.deepEqual(w.committed, [1, 2])
})

test('what is delivered again after a crash is recognised by its hashes and stored once', async (t) => {
  const w = await frameWorkers(t)
  const { session, batches } = sessionOf(6)
  const records = batches.map((batch) => w.recordOf(batch))
  const first = w.start()
  await first.takeRecords(records.slice(0, 4))
  w.clock.advance(60_000)
  await first.tick()
  first.drop()
  const second = w.start()
  await second.takeRecords(records)
  await second.drain()
  t.deepEqual((await storedEvidence(w, session.sessionId)).batches, hexOf(batches))
  t.is(w.committed.at(-1), 6)
  t.deepEqual(await recordsOf(w.bus, 'dead-letters'), [])
})

test('a catalog that is away holds up no evidence, and nothing is committed without its row', async (t) => {
  const w = await frameWorkers(t)
  let isAway = true
  const away = () => Promise.reject(new Error('the catalog is away'))
  const catalog = {
    ...w.catalog,
    blocks: (id: string) => (isAway ? away() : w.catalog.blocks(id)),
    putBlock: (row: BlockRow) => (isAway ? away() : w.catalog.putBlock(row)),
    markSealed: (id: string, key: string) => (isAway ? away() : w.catalog.markSealed(id, key)),
  }
  const worker = createFrameWorker({ ...w.ctx, catalog }, async (next) => void w.committed.push(next))
  const { session, batches } = sessionOf(2)
  batches.push(session.end())
  await worker.takeRun(
    batches.map((batch) => w.recordOf(batch)),
    control,
  )
  w.clock.advance(2_000)
  await worker.tick()
  const stored = await storedEvidence(w, session.sessionId)
  t.deepEqual(stored.batches, hexOf(batches))
  t.is(stored.manifests.length, 1)
  await worker.tick()
  t.deepEqual(w.committed, [])

  isAway = false
  await untilCommitted(w, worker, 3)
  t.is((await w.catalog.blocks(session.sessionId)).length, 1)
})

test('rows that a crash left out are made up for, of every block, by whoever comes next', async (t) => {
  const w = await frameWorkers(t)
  const { session, batches } = sessionOf(3)
  const records = batches.map((batch) => w.recordOf(batch))
  const crashing = { ...w.ctx, catalog: { ...w.catalog, putBlock: () => Promise.reject(new Error('crashed here')) } }
  const first = createFrameWorker(crashing, async () => t.fail('committed before the row'))
  for (const record of records) {
    await first.takeRun([record], control)
    w.clock.advance(60_000)
    await first.tick()
  }
  first.drop()
  t.is((await storedEvidence(w, session.sessionId)).blocks.length, 3)
  t.deepEqual(await w.catalog.blocks(session.sessionId), [])

  const second = w.start()
  await second.takeRecords(records)
  await untilCommitted(w, second, 3)
  t.deepEqual(
    (await w.catalog.blocks(session.sessionId)).map(({ firstSeq }) => firstSeq),
    [0, 1, 2],
  )
  t.deepEqual((await storedEvidence(w, session.sessionId)).batches, hexOf(batches))
})

test('a crash between block and manifest is made up for', async (t) => {
  const w = await frameWorkers(t)
  const { session, batches } = sessionOf(2)
  batches.push(session.end())
  const records = batches.map((batch) => w.recordOf(batch))
  const put: typeof w.recordings.put = (key, ...rest) =>
    key.includes('manifest') ? Promise.reject(new Error('crashed here')) : w.recordings.put(key, ...rest)
  const crashing = { ...w.ctx, recordings: { ...w.recordings, put } }
  const first = createFrameWorker(crashing, async (next) => void t.true(next < 3, 'committed before the manifest'))
  await first.takeRun(records, control)
  w.clock.advance(2_000)
  await t.throwsAsync(first.tick(), { message: 'crashed here' })
  first.drop()
  t.is((await storedEvidence(w, session.sessionId)).manifests.length, 0)

  const second = w.start()
  await second.takeRecords(records)
  w.clock.advance(2_000)
  await untilCommitted(w, second, 3)
  const stored = await storedEvidence(w, session.sessionId)
  t.deepEqual(stored.batches, hexOf(batches))
  t.like(stored.manifests[0], { endReason: 'exit' })
  t.is((await w.catalog.blocks(session.sessionId)).length, 1)
})

test('a store that fails keeps everything for the next attempt, and nothing is committed', async (t) => {
  const w = await frameWorkers(t, { blockMaxBytes: 40_000 })
  let isFull = true
  const recordings = {
    ...w.recordings,
    put: (...args: Parameters<typeof w.recordings.put>) =>
      isFull ? Promise.reject(new Error('no space')) : w.recordings.put(...args),
  }
  const worker = createFrameWorker({ ...w.ctx, recordings }, async (next) => void w.committed.push(next))
  const session = createSessionBatches()
  const large = () => textFrame(randomBytes(15_000).toString('hex'))
  const batches = [session.first(large()), session.next(large()), session.next(large()), session.next(large())]
  const records = batches.map((batch) => w.recordOf(batch))
  await t.throwsAsync(worker.takeRun(records, control), { message: 'no space' })
  await t.throwsAsync(worker.takeRun(records, control), { message: 'no space' })
  t.deepEqual(w.committed, [])
  isFull = false
  await worker.takeRun(records, control)
  await worker.drain()
  t.deepEqual((await storedEvidence(w, session.sessionId)).batches, hexOf(batches))
  t.is(w.committed.at(-1), 4)
})

test('batches out of order wait for the missing one', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(5)
  const order = [0, 3, 1, 4, 2].map((index) => batches[index]!)
  await worker.takeBatches(...order)
  await worker.drain()
  const stored = await storedEvidence(w, session.sessionId)
  t.deepEqual(stored.batches, hexOf(batches))
  t.is(stored.blocks.length, 1)
})

test('a lost batch is a named gap after 30 s, and holds up nothing else', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const [torn, whole] = [sessionOf(5), sessionOf(2)]
  torn.batches.push(torn.session.end(), torn.session.withFields(head()))
  const sent = torn.batches.filter((_, index) => index !== 1 && index !== 2)
  await worker.takeBatches(...sent, ...whole.batches)
  w.clock.advance(29_000)
  await worker.tick()
  t.is((await storedEvidence(w, torn.session.sessionId)).blocks.length, 0)
  w.clock.advance(1_000)
  await worker.tick()
  const stored = await storedEvidence(w, torn.session.sessionId)
  t.deepEqual(stored.batches, hexOf(sent))
  t.is(stored.blocks[1]?.gap, 'lost')
  t.deepEqual(stored.manifests[0]?.gaps, [{ firstSeq: 1, lastSeq: 2, reason: 'lost' }])
  t.like((await eventsOf(w.bus))[0], {
    kind: 'recorder_health',
    sessionId: torn.session.sessionId,
    bastion: 'bastion-1',
    seq: 1,
  })
  await worker.drain()
  t.deepEqual((await storedEvidence(w, whole.session.sessionId)).batches, hexOf(whole.batches))
})

test('more than 64 waiting batches are not waited with', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(70)
  await worker.takeBatches(batches[0]!, ...batches.slice(2))
  await worker.drain()
  t.is((await storedEvidence(w, session.sessionId)).batches.length, 69)
})

test('a batch that comes after its gap was named fills the gap', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(4)
  await worker.takeBatches(batches[0]!, batches[2]!, batches[3]!)
  w.clock.advance(30_000)
  await worker.tick()
  await worker.takeBatches(batches[1]!, session.end(), session.withFields(head()))
  const stored = await storedEvidence(w, session.sessionId)
  t.deepEqual(stored.batches.slice(0, 4), hexOf(batches))
  t.deepEqual(stored.manifests[0]?.gaps, [])
})

test('a batch that names another predecessor is kept, in a chain of its own, and everybody is told', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(2)
  batches.push(session.withFields({ prevHash: randomBytes(32) }), session.end(), session.withFields(head()))
  await worker.takeBatches(...batches)
  const stored = await storedEvidence(w, session.sessionId)
  t.deepEqual(stored.batches, hexOf(batches))
  t.deepEqual(stored.manifests[0]?.gaps, [{ firstSeq: 2, lastSeq: 1, reason: 'chain' }])
  t.like((await eventsOf(w.bus))[0], { kind: 'recorder_health', status: 'tampered', seq: 2 })
})

const forged = (session: ReturnType<typeof createSessionBatches>, batchSeq: number) => {
  const { sessionId, bastion, atMs } = session
  const place = { sessionId, bastion, batchSeq, prevHash: randomBytes(32), startNs: 0n, closedAtMs: atMs }
  return encodeFrameBatch(place, [textFrame('forged')])
}

test('another batch in the place of a stored one, an open one or a waiting one is a fork and a dead letter', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(5)
  await worker.takeBatches(batches[0]!, batches[1]!)
  w.clock.advance(60_000)
  await worker.tick()
  await worker.takeBatches(batches[2]!, batches[4]!)
  const forgeries = [forged(session, 1), forged(session, 2), forged(session, 4)]
  await worker.takeBatches(...forgeries)
  await worker.takeBatches(batches[3]!)
  await worker.drain()
  t.deepEqual((await storedEvidence(w, session.sessionId)).batches, hexOf(batches))
  const events = await eventsOf(w.bus)
  t.deepEqual(
    events.map((event) => 'status' in event && event.status),
    ['tampered', 'tampered', 'tampered'],
  )
  t.true(events.every((event) => 'detail' in event && String(event.detail).startsWith('fork: ')))
  const letters = await recordsOf(w.bus, 'dead-letters')
  t.deepEqual(hexOf(letters.map(({ value }) => value)), hexOf(forgeries))
  t.is(w.committed.at(-1), 8)
})

test('two workers that hold the same partition for a moment store every batch once', async (t) => {
  const w = await frameWorkers(t)
  const { session, batches } = sessionOf(6)
  const records = batches.map((batch) => w.recordOf(batch))
  const [zombie, owner] = [w.start(), w.start()]
  await zombie.takeRecords(records.slice(0, 3))
  await owner.takeRecords(records.slice(0, 5))
  await zombie.drain()
  await owner.drain()
  await zombie.takeRecords(records)
  await owner.takeRecords(records)
  await Promise.all([zombie.drain(), owner.drain()])
  t.deepEqual((await storedEvidence(w, session.sessionId)).batches, hexOf(batches))
  t.deepEqual(await eventsOf(w.bus), [])
})

test('a key that is taken by something unreadable is reported, and the recording goes on after it', async (t) => {
  const w = await frameWorkers(t)
  const { session, batches } = sessionOf(3)
  const key = `evidence/v1/2026-01-31/${session.sessionId}/000000000000`
  const worker = w.start()
  await worker.takeBatches(...batches)
  await w.recordings.put(key, Buffer.from('squatter'), { retainUntil: new Date(w.clock.now() + 1000) })
  await worker.drain()
  const letters = await recordsOf(w.bus, 'dead-letters')
  t.deepEqual(hexOf(letters.map(({ value }) => value)), hexOf(batches.slice(0, 1)))
  await worker.drain()
  const rest = await w.recordings.get(`evidence/v1/2026-01-31/${session.sessionId}/000000000001`)
  t.true(rest.byteLength > 100)
  t.is(w.committed.at(-1), 3)
  t.true((await eventsOf(w.bus)).some((event) => 'status' in event && event.status === 'tampered'))
})

test('poison goes to the dead letters with its reason and place, and the partition goes on', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(2)
  const poison = [
    w.recordOf(batches[0]!),
    w.recordOf(Buffer.from('garbage'), 'x'),
    w.recordOf(batches[1]!, 'other key'),
  ]
  await worker.takeRecords([...poison, w.recordOf(batches[1]!)])
  await worker.drain()
  t.deepEqual((await storedEvidence(w, session.sessionId)).batches, hexOf(batches))
  t.is(w.committed.at(-1), 4)
  const letters = await recordsOf(w.bus, 'dead-letters')
  t.like(letters[0], { key: 'session-frames' })
  t.deepEqual(Buffer.from(letters[0]!.value).toString(), 'garbage')
  t.like(letters[0]?.headers, {
    where: 'recorder',
    code: 'BTZ_BATCH_INVALID',
    topic: 'session-frames',
    offset: '1',
    partition: '0',
  })
  t.is(letters.length, 2)
})

test('a batch of another bastion does not get into a session', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(2)
  const foreign = createSessionBatches({ sessionId: session.sessionId, bastion: 'elsewhere' })
  foreign.first()
  await worker.takeBatches(...batches, foreign.next(), foreign.next())
  await worker.drain()
  t.deepEqual((await storedEvidence(w, session.sessionId)).batches, hexOf(batches))
  t.is((await recordsOf(w.bus, 'dead-letters')).length, 2)
})

test('what comes after the manifest leads to a second one that names the first', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const session = createSessionBatches()
  await worker.takeBatches(session.first(), session.end())
  w.clock.advance(2_000)
  await worker.tick()
  const sealedHash = createHash('sha256')
    .update(await w.recordings.get(`evidence/v1/2026-01-31/${session.sessionId}/manifest-0001`))
    .digest('hex')
  await worker.takeBatches(session.withFields(head()))
  await worker.tick()
  const { manifests } = await storedEvidence(w, session.sessionId)
  t.is(manifests.length, 2)
  t.is(manifests[1]?.previous?.sha256, sealedHash)
  t.is(manifests[1]?.blocks.length, 2)
  t.is(manifests[1]?.endReason, 'exit')
})

test('a session that is delivered again after its seal changes nothing', async (t) => {
  const w = await frameWorkers(t)
  const session = createSessionBatches()
  const batches = [session.first(), session.end(), session.withFields(head())]
  await w.start().takeBatches(...batches)
  const before = (await storedEvidence(w, session.sessionId)).objects.map(({ key }) => key)
  const again = w.start()
  await again.takeBatches(...batches)
  w.clock.advance(10_000)
  await untilCommitted(w, again, 6)
  t.deepEqual(
    (await storedEvidence(w, session.sessionId)).objects.map(({ key }) => key),
    before,
  )
})

test('all evidence of a session is retained as long as its last part', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(1)
  await worker.takeBatches(...batches)
  w.clock.advance(60_000)
  await worker.tick()
  w.clock.advance(3 * 86_400_000)
  await worker.takeBatches(session.end(), session.withFields(head()))
  const { objects } = await storedEvidence(w, session.sessionId)
  t.is(objects.length, 3)
  t.deepEqual(
    new Set(objects.map(({ retainUntil }) => retainUntil?.toISOString())),
    new Set(['2027-02-04T00:00:00.000Z']),
  )
})

test('a session is found again after a restart without the catalog, also past midnight', async (t) => {
  const w = await frameWorkers(t)
  const atMs = Date.UTC(2026, 0, 31, 23, 59, 59, 900)
  const session = createSessionBatches({ atMs: atMs + 200, sessionId: v7({ msecs: atMs }) })
  const first = w.start()
  await first.takeBatches(session.first())
  await first.drain()
  const forgetful = { ...w.ctx, catalog: { ...w.catalog, blocks: async () => [] } }
  const second = createFrameWorker(forgetful, async () => {})
  await second.takeRun([w.recordOf(session.next())], control)
  await second.drain()
  const { objects } = await storedEvidence(w, session.sessionId)
  t.deepEqual(
    objects.map(({ key }) => key),
    ['000000000000', '000000000001'].map((seq) => `evidence/v1/2026-02-01/${session.sessionId}/${seq}`),
  )
})

test('an idle session is forgotten and found again', async (t) => {
  const w = await frameWorkers(t)
  const worker = w.start()
  const { session, batches } = sessionOf(2)
  await worker.takeBatches(batches[0]!)
  w.clock.advance(60_000)
  await worker.tick()
  t.is(worker.held().length, 0)
  await worker.takeBatches(batches[1]!)
  await worker.drain()
  t.deepEqual((await storedEvidence(w, session.sessionId)).batches, hexOf(batches))
})

test('a session whose key is damaged goes to the dead letters, and the others are recorded', async (t) => {
  const w = await frameWorkers(t)
  const [damaged, whole] = [sessionOf(2), sessionOf(2)]
  const keys: typeof w.keys = {
    ...w.keys,
    obtain: async (id) => {
      if (!id.includes(damaged.session.sessionId)) return w.keys.obtain(id)
      throw new BartizanError('BTZ_KEY_INVALID', 'damaged')
    },
  }
  const worker = createFrameWorker({ ...w.ctx, keys }, async (next) => void w.committed.push(next))
  await worker.takeRun(
    [...damaged.batches, ...whole.batches].map((batch) => w.recordOf(batch)),
    control,
  )
  await worker.drain()
  t.deepEqual((await storedEvidence(w, whole.session.sessionId)).batches, hexOf(whole.batches))
  const letters = await recordsOf(w.bus, 'dead-letters')
  t.deepEqual(hexOf(letters.map(({ value }) => value)), hexOf(damaged.batches))
  t.is(w.committed.at(-1), 4)
})

test('a session that cannot be stored does not keep the others from being stored', async (t) => {
  const w = await frameWorkers(t)
  const [stuck, free] = [sessionOf(1), sessionOf(1)]
  const recordings = {
    ...w.recordings,
    put: (...args: Parameters<typeof w.recordings.put>) =>
      args[0].includes(stuck.session.sessionId) ? Promise.reject(new Error('stuck')) : w.recordings.put(...args),
  }
  const worker = createFrameWorker({ ...w.ctx, recordings }, async (next) => void w.committed.push(next))
  await worker.takeRun(
    [...stuck.batches, ...free.batches].map((batch) => w.recordOf(batch)),
    control,
  )
  await t.throwsAsync(worker.drain(), { message: 'stuck' })
  t.is((await storedEvidence(w, free.session.sessionId)).batches.length, 1)
  t.deepEqual(w.committed, [])
})
