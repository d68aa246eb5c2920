import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import type { RecordingUploads } from '#ingest/receiver/recording-uploads.ts'
import { Config } from '#services/config.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import type { ImportedRecordings, RecordingJob } from '#services/schema/recording-upload.ts'
import { eventsOf, recordsOf } from '#test/helpers/frame-worker.ts'
import { closeSharedCatalog } from '#test/helpers/ingest-backends.ts'
import { serveReceiver } from '#test/helpers/receiver.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { until } from '#test/helpers/until.ts'
import { createUploadImport } from '../../../cli/import/upload.ts'

test.after.always(closeSharedCatalog)

const path = '/api/ingest/recordings'
const cast = new URL('../../fixtures/recordings/v2.cast', import.meta.url)
const MiB = 1024 * 1024
const noLimits = { maxBytes: 64 * MiB, soonBytes: 64 * MiB, soonMs: 60_000 }

type Import = RecordingUploads['importRecording']
type Place = { limits?: Partial<RecordingUploads['limits']>; around?: (importing: Import) => Import; left?: string }

/** A receiver that imports as the product does; `around`: what a test puts in between. */
const place = async (t: ExecutionContext, { limits = {}, around = (importing) => importing, left }: Place = {}) => {
  const data = await temporaryFolder(t)
  const folder = join(data, 'uploads')
  if (left !== undefined) {
    await mkdir(folder)
    await writeFile(join(folder, left), 'half')
  }
  let importRecording: Import
  const recordings = {
    folder,
    limits: { ...noLimits, ...limits },
    importRecording: (one) => importRecording(one),
  } as const satisfies Pick<RecordingUploads, 'folder' | 'limits' | 'importRecording'>
  const served = await serveReceiver(t, { recordings })
  const maxRecordingBytes = recordings.limits.maxBytes
  const config = Config.parse({ data, ingest: { maxRecordingBytes } })
  importRecording = around(createUploadImport({ ...served, config, log: pino({ level: 'silent' }) }))
  const upload = (query: string, body: Uint8Array<ArrayBuffer> | string, headers: Record<string, string> = {}) =>
    served.call('POST', `${path}?${query}`, body, headers)
  const job = (id: string, headers: Record<string, string> = {}) =>
    fetch(`${served.url}${path}/jobs/${id}`, {
      headers: { authorization: `Bearer ${served.secrets.bastion}`, ...headers },
    })
  return { ...served, data, folder, upload, job, staged: () => readdir(folder).catch(() => []) }
}
const isProblem = async (t: ExecutionContext, response: Response, status: number, detail: RegExp): Promise<void> => {
  const problem = (await response.json()) as { detail: string }
  t.is(response.status, status, problem.detail)
  t.regex(problem.detail, detail)
}
const sessionsOn = async ({ bus }: Pick<Awaited<ReturnType<typeof place>>, 'bus'>) =>
  new Set((await recordsOf(bus, 'session-frames')).map(({ value }) => decodeBatchHeader(value).sessionId))

test('a recording is durable on the bus when its upload is answered, and again changes nothing, however it is packed', async (t) => {
  const at = await place(t, { left: 'of-a-receiver-that-was-killed' })
  const file = new Uint8Array(await readFile(cast))
  const first = await at.upload('format=asciicast&user=alice', file)
  const imported = (await first.json()) as ImportedRecordings
  t.is(first.status, 200)
  t.like(imported, { files: 1, sessions: 1, unchanged: 0, rejected: [] })
  const events = await eventsOf(at.bus)
  t.true(
    events.some((event) => event.kind === 'session_started' && event.user === 'alice' && event.bastion === 'bastion-1'),
  )
  t.is((await sessionsOn(at)).size, 1)
  const records = (await recordsOf(at.bus, 'session-frames')).length

  const packed = new Uint8Array(gzipSync(file))
  for (const [body, headers] of [
    [packed, { 'content-encoding': 'gzip' }],
    [new Uint8Array(zstdCompressSync(file)), { 'content-encoding': 'zstd' }],
    [packed, {}],
  ] as const) {
    const again = await at.upload('format=asciicast&user=alice', body, headers)
    t.like(await again.json(), { sessions: 1, unchanged: 1, events: {} })
  }
  t.is((await recordsOf(at.bus, 'session-frames')).length, records)
  t.deepEqual(await at.staged(), [])
})

test('what is no recording is refused with its reason, leaves nothing behind, and names no path', async (t) => {
  const at = await place(t)
  const ill = [
    ['format=asciicast', 'not a recording\n'],
    ['format=asciicast', ''],
    ['format=asciicast', '{"version": 9}\n'],
    ['format=ttyrec', new Uint8Array(100).fill(255)],
    ['format=asciicast', new Uint8Array(gzipSync('x').subarray(0, 12))],
  ] as const
  for (const [query, body] of ill) {
    const response = await at.upload(query, body)
    const text = await response.text()
    t.is(response.status, 422, text)
    t.false(text.includes(at.data), text)
    t.true((JSON.parse(text) as { detail: string }).detail.length > 5)
  }
  await isProblem(
    t,
    await at.upload('format=asciicast', 'xx', { 'content-encoding': 'gzip' }),
    400,
    /does not decompress/,
  )
  await isProblem(t, await at.upload('format=asciicast', 'xx', { 'content-encoding': 'br' }), 400, /br is not known/)
  t.deepEqual(await at.staged(), [])
  t.is((await sessionsOn(at)).size, 0)
})

test('who asks for what is checked before the body is read', async (t) => {
  const at = await place(t)
  const as = (secret: string) => ({ authorization: `Bearer ${secret}` })
  await isProblem(t, await at.upload('format=asciicast&bastion=other', '{}'), 403, /may not write for bastion other/)
  await isProblem(t, await at.upload('format=asciicast', '{}', as(at.secrets.admin)), 400, /of no bastion/)
  await isProblem(t, await at.upload('format=asciicast', '{}', as(at.secrets.analyst)), 403, /role analyst/)
  await isProblem(t, await at.upload('format=asciicast', '{}', as('nobody')), 401, /./)
  await isProblem(t, await at.upload('format=sudo-iolog', '{}'), 415, /a folder of several files/)
  await isProblem(t, await at.upload('format=tar', '{}'), 400, /format/)
  await isProblem(t, await at.upload('format=asciicast&start=yesterday', '{}'), 400, /start/)
  await isProblem(t, await at.upload('format=asciicast&path=/etc/passwd', '{}'), 400, /path/)
  t.deepEqual(await at.staged(), [])
})

test('a body is bounded as it is sent and as it unpacks, once and twice', async (t) => {
  const at = await place(t, { limits: { maxBytes: MiB } })
  const bomb = gzipSync(Buffer.alloc(64 * MiB, 'a'))
  await isProblem(t, await at.upload('format=asciicast', new Uint8Array(MiB + 1)), 413, /larger than 1048576/)
  await isProblem(
    t,
    await at.upload('format=asciicast', new Uint8Array(bomb), { 'content-encoding': 'gzip' }),
    413,
    /larger/,
  )
  await isProblem(
    t,
    await at.upload('format=ttyrec', new Uint8Array(bomb)),
    422,
    /^the body has more than 1048576 bytes|line|record/,
  )
  const inner = gzipSync(bomb)
  await isProblem(
    t,
    await at.upload('format=asciicast', new Uint8Array(inner), { 'content-encoding': 'gzip' }),
    422,
    /the body has more than 1048576 bytes/,
  )
  t.deepEqual(await at.staged(), [])
})

test('a body that ends before its end leaves nothing', async (t) => {
  const at = await place(t)
  const headers = { authorization: `Bearer ${at.secrets.bastion}`, 'content-length': '1000' }
  const request = httpRequest(`${at.url}${path}?format=asciicast`, { method: 'POST', headers })
  request.on('error', () => undefined)
  request.write('{"version": 2')
  await until(async () => (await at.staged()).length === 1, { limitMs: 30_000 })
  const [name] = await at.staged()
  t.is((await stat(join(at.folder, name!))).mode & 0o777, 0o600)
  request.destroy()
  await until(async () => (await at.staged()).length === 0, { limitMs: 30_000 })
  t.is((await sessionsOn(at)).size, 0)
})

test('a large recording is a job: two at once, told of to its bastion only, and what became of it', async (t) => {
  const open = Promise.withResolvers<void>()
  const around: Place['around'] = (importing) => async (one) => {
    await open.promise
    return importing(one)
  }
  const at = await place(t, { limits: { soonBytes: 100 }, around })
  const file = new Uint8Array(await readFile(cast))
  const [good, bad] = [await at.upload('format=asciicast', file), await at.upload('format=asciicast', 'x'.repeat(200))]
  t.deepEqual([good.status, bad.status], [202, 202])
  const { id } = (await good.json()) as RecordingJob
  const { id: badId } = (await bad.json()) as RecordingJob
  t.is(good.headers.get('location'), `${path}/jobs/${id}`)
  t.deepEqual(await (await at.job(id)).json(), { id, state: 'running' })

  const third = await at.upload('format=asciicast', file)
  t.is(third.headers.get('retry-after'), '30')
  await isProblem(t, third, 429, /2 large recordings are being imported/)
  open.resolve()
  const told = async (one: string) => (await (await at.job(one)).json()) as RecordingJob
  await until(async () => (await told(id)).state !== 'running' && (await told(badId)).state !== 'running', {
    limitMs: 30_000,
  })
  t.like(await told(id), { state: 'done', result: { sessions: 1, unchanged: 0 } })
  t.like(await told(badId), { state: 'failed', problem: { code: 'BTZ_IMPORT_FAILED', status: 422 } })
  t.deepEqual(await at.staged(), [])
  t.is((await at.upload('format=asciicast', file)).status, 202)

  const { secret } = await at.tokens.create({ role: 'ingest', name: 'other', bastion: 'other', actor: 'test' })
  await isProblem(t, await at.job(id, { authorization: `Bearer ${secret}` }), 404, /no such job/)
  await isProblem(t, await at.job('0b0e2b6c-3f2e-4f51-9a53-000000000000'), 404, /this receiver was restarted since/)
})

test('a small recording that takes too long becomes a job', async (t) => {
  const open = Promise.withResolvers<void>()
  const around: Place['around'] = (importing) => (one) => open.promise.then(() => importing(one))
  const at = await place(t, { limits: { soonMs: 20 }, around })
  const answer = await at.upload('format=asciicast', new Uint8Array(await readFile(cast)))
  t.is(answer.status, 202)
  open.resolve()
  const { id } = (await answer.json()) as RecordingJob
  await until(async () => ((await (await at.job(id)).json()) as RecordingJob).state === 'done', { limitMs: 30_000 })
  t.is((await sessionsOn(at)).size, 1)
})

test('an upload that the bus does not take is not acknowledged, and the next one brings it', async (t) => {
  const at = await place(t)
  const file = new Uint8Array(await readFile(cast))
  const { produce } = at.bus
  at.bus.produce = async (records) => {
    if (records.some(({ topic }) => topic === 'session-frames')) throw new Error('the disk is gone')
    return produce(records)
  }
  t.is((await at.upload('format=asciicast', file)).status, 500)
  t.deepEqual(await at.staged(), [])
  at.bus.produce = produce
  t.like(await (await at.upload('format=asciicast', file)).json(), { sessions: 1, unchanged: 1 })
  t.is((await sessionsOn(at)).size, 1)
})
