import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fromBinary } from '@bufbuild/protobuf'
import { pino } from 'pino'
import { Config } from '#services/config.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { BatchUploadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { postTo } from '../../cli/import/post.ts'
import { importRecordings } from '../../cli/import/recording/import-recordings.ts'

/** Imports files into a receiver that counts what it is sent, and tells how much memory that took. */

let payloadBytes = 0
const takeBatches = (body: Buffer) => {
  const batches = fromBinary(BatchUploadSchema, body).batches.map(decodeBatchHeader)
  for (const { message } of batches) payloadBytes += message.payloadSize
  return {
    sessions: batches.map(({ sessionId, batchSeq }) => ({ sessionId, durableSeq: batchSeq })),
    rejected: [],
  }
}
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const answerOf = (url = ''): object => {
    if (url.endsWith('signing-keys')) return { keyId: 'k', signingKey: 'registered' }
    if (url.endsWith('batches')) return takeBatches(body)
    return { accepted: body.toString().split('\n').length, duplicates: 0, rejected: [] }
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answerOf(request.url)))
})
const [data = '', format, ...paths] = process.argv.slice(2)
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo
  const progress: number[] = []
  const imported = await importRecordings({
    paths,
    format: format as 'asciicast' | 'ttyrec',
    given: { startedAtMs: Date.UTC(2026, 0, 1) },
    bastion: 'b1',
    config: Config.parse({ data }),
    maxBytes: 2 ** 30,
    who: 'test',
    post: postTo({ url: `http://127.0.0.1:${port}`, token: 't' }),
    log: pino({ level: 'silent' }),
    onProgress: ({ doneBytes, totalBytes }) => progress.push(doneBytes / totalBytes),
  })
  server.close()
  // Not getrusage: its peak includes that of the parent at the fork (proc(5), VmHWM, is of this program alone).
  const [, peakKib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  const peakBytes = Number(peakKib) * 1024
  process.stdout.write(JSON.stringify({ ...imported, payloadBytes, peakBytes, progress }))
})
