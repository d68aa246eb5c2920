import { gzipSync, zstdCompressSync } from 'node:zlib'
import { create, toBinary } from '@bufbuild/protobuf'
import test from 'ava'
import { BartizanError } from '#services/errors.ts'
import { BatchUploadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { BatchesAnswer } from '#services/schema/uplink.ts'
import { recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'
import { createSessionBatches, textFrame } from '#test/helpers/session-batches.ts'
import { hexOf } from '#test/helpers/stored-evidence.ts'

test.after.always(closeSharedCatalog)

const path = '/api/ingest/batches'
const upload = (...batches: Uint8Array[]) =>
  Buffer.from(toBinary(BatchUploadSchema, create(BatchUploadSchema, { batches })))
const answerOf = async (response: Response) => BatchesAnswer.parse(await response.json())

test('batches are on the bus, unchanged and keyed by session, before they are acknowledged', async (t) => {
  const { call, bus } = await serveReceiver(t)
  const [one, two] = [createSessionBatches(), createSessionBatches()]
  const batches = [one.first(textFrame('a')), two.first(), one.next(textFrame('b')), one.next()]
  const response = await call('POST', path, upload(...batches))
  t.is(response.status, 200)
  t.deepEqual(await answerOf(response), {
    sessions: [
      { sessionId: one.sessionId, durableSeq: 2 },
      { sessionId: two.sessionId, durableSeq: 0 },
    ] as BatchesAnswer['sessions'],
    rejected: [],
  })
  const records = await recordsOf(bus, 'session-frames')
  t.deepEqual(hexOf(records.map(({ value }) => value)), hexOf(batches))
  t.deepEqual(
    records.map(({ key }) => key),
    [one, two, one, one].map(({ sessionId }) => sessionId),
  )
  t.deepEqual(records[0]?.headers, { bastion: 'bastion-1', batchSeq: '0' })
})

test('a batch that can never be taken is named, and the others are taken', async (t) => {
  const { call, bus } = await serveReceiver(t)
  const session = createSessionBatches()
  const foreign = createSessionBatches({ bastion: 'bastion-2' })
  const response = await call(
    'POST',
    path,
    upload(Buffer.from('garbage'), session.first(), foreign.first(), session.next()),
  )
  t.is(response.status, 200)
  const { sessions, rejected } = await answerOf(response)
  t.deepEqual(
    sessions.map(({ durableSeq }) => durableSeq),
    [1],
  )
  t.deepEqual(
    rejected.map(({ index, code }) => [index, code]),
    [
      [0, 'BTZ_BATCH_INVALID'],
      [2, 'BTZ_FORBIDDEN'],
    ],
  )
  t.is((await recordsOf(bus, 'session-frames')).length, 2)
})

test('an upload may come as gzip or zstd, and in no other encoding', async (t) => {
  const { call, bus } = await serveReceiver(t)
  const session = createSessionBatches()
  const send = (body: Buffer, encoding: string) => call('POST', path, body, { 'content-encoding': encoding })
  t.is((await send(gzipSync(upload(session.first())), 'gzip')).status, 200)
  t.is((await send(zstdCompressSync(upload(session.next())), 'zstd')).status, 200)
  t.is((await send(upload(session.next()), 'br')).status, 400)
  t.is((await send(Buffer.from('not gzip at all'), 'gzip')).status, 400)
  t.is((await send(gzipSync(upload(session.next())).subarray(0, 30), 'gzip')).status, 400)
  t.is((await recordsOf(bus, 'session-frames')).length, 2)
})

test('more than 16 MiB is refused, sent as it is, in chunks or packed', async (t) => {
  const { call, url, secrets } = await serveReceiver(t)
  const large = Buffer.alloc(16 * 1024 * 1024 + 1)
  t.is((await call('POST', path, large)).status, 413)
  t.is((await call('POST', path, gzipSync(large), { 'content-encoding': 'gzip' })).status, 413)
  t.is((await call('POST', path, zstdCompressSync(large), { 'content-encoding': 'zstd' })).status, 413)
  const chunked = await fetch(url + path, {
    method: 'POST',
    body: new Blob([large]).stream(),
    duplex: 'half',
    headers: { authorization: `Bearer ${secrets.bastion}` },
  } as RequestInit)
  t.is(chunked.status, 413)
  t.like(await chunked.json(), { code: 'BTZ_PAYLOAD_TOO_LARGE', status: 413 })
})

test('who sends is known before the body is read', async (t) => {
  const { call, url, secrets } = await serveReceiver(t)
  const status = (authorization: string) => call('POST', path, upload(), { authorization }).then(({ status }) => status)
  t.is(await status(''), 401)
  t.is(await status('Basic abc'), 401)
  t.is(await status('Bearer btz_0000000000000000_nobody'), 401)
  t.is(await status(`Bearer ${secrets.analyst}`), 403)
  t.is(await status(`Bearer ${secrets.admin}`), 200)
  // A body that never ends: the answer can only come if nothing waits for it.
  const endless = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) })
  const response = await fetch(url + path, { method: 'POST', body: endless, duplex: 'half' } as RequestInit)
  t.is(response.status, 401)
  t.is(response.headers.get('content-type'), 'application/problem+json; charset=utf-8')
})

test('when the bus takes no more, the sender is told to come again, and why', async (t) => {
  const bus = {
    maxRecordBytes: 4 * 1024 * 1024,
    produce: () => Promise.reject(new BartizanError('BTZ_UNAVAILABLE', 'too much waits already')),
  }
  const { call } = await serveReceiver(t, { bus })
  const response = await call('POST', path, upload(createSessionBatches().first()))
  t.is(response.status, 503)
  t.regex(response.headers.get('retry-after') ?? '', /^\d+$/)
  t.like(await response.json(), { code: 'BTZ_UNAVAILABLE', detail: 'too much waits already' })
})

test('a body that is no upload is refused with a reason', async (t) => {
  const { call } = await serveReceiver(t)
  const response = await call('POST', path, Buffer.from([0xff, 0xff, 0xff]))
  t.is(response.status, 400)
  t.like(await response.json(), { code: 'BTZ_REQUEST_INVALID' })
})
