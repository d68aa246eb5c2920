import { create, toBinary } from '@bufbuild/protobuf'
import type { SpoolRecord } from '#hooks/agent/spool/record.ts'
import { BartizanError } from '#services/errors.ts'
import { BatchUploadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import { judgeBatches } from '#services/uplink/verdict.ts'
import { forbidden, forbiddenHere, type Post } from '../post.ts'
import { createEventSender } from '../send-events.ts'
import { readStagedFile } from './staged-file.ts'

const maxUploadBytes = 4 * 1024 * 1024
const maxUploadBatches = 1024

const refused = (reason: string): BartizanError =>
  forbidden.test(reason) ? forbiddenHere(reason) : new BartizanError('BTZ_IMPORT_FAILED', `refused: ${reason}`)

const sendBatches = async (post: Post, sent: readonly SpoolRecord[]): Promise<void> => {
  const body = toBinary(BatchUploadSchema, create(BatchUploadSchema, { batches: sent.map(({ body }) => body) }))
  const answer = await post({ path: '/api/ingest/batches', contentType: 'application/x-protobuf', body })
  const verdict = judgeBatches(sent, { status: 200, body: answer, retryAfterMs: null })
  if (verdict.kind !== 'taken') throw new BartizanError('BTZ_UNAVAILABLE', verdict.why)
  const [first] = verdict.rejected
  if (first) throw refused(first.reason)
}

/**
 * All of a staged file, to where it is durable. Again does no harm.
 * @throws BTZ_FORBIDDEN BTZ_UNAVAILABLE, BTZ_IMPORT_FAILED for what will never be taken
 */
export const sendStaged = async (file: string, post: Post): Promise<void> => {
  const events = createEventSender(post, ({ reason }) => {
    throw refused(reason)
  })
  let batches: SpoolRecord[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (batches.length > 0) await sendBatches(post, batches)
    batches = []
    bytes = 0
  }
  for await (const record of readStagedFile(file)) {
    if (record.type === 'event') {
      await events.add(JSON.parse(Buffer.from(record.body).toString('utf8')) as object, 0)
      continue
    }
    if (bytes + record.body.byteLength > maxUploadBytes || batches.length === maxUploadBatches) await flush()
    batches.push(record)
    bytes += record.body.byteLength
  }
  await flush()
  await events.finish()
}
