import { fromBinary } from '@bufbuild/protobuf'
import type { Bus, NewRecord } from '#services/bus/bus.ts'
import { BartizanError } from '#services/errors.ts'
import { decodeBatchHeader } from '#services/recordings/format/frame-batch.ts'
import { BatchUploadSchema } from '#services/schema/generated/frame_batch_pb.ts'
import type { SessionId } from '#services/schema/ids.ts'
import type { BatchesAnswer } from '#services/schema/uplink.ts'
import type { Sender } from './sender.ts'

const maxBatches = 20_000
const recordOverheadBytes = 1024 // key and headers, which count as the bus's record

type Accepted = { record: NewRecord; sessionId: SessionId; batchSeq: number }

const parseUpload = (body: Uint8Array): Uint8Array[] => {
  let batches: Uint8Array[]
  try {
    batches = fromBinary(BatchUploadSchema, body).batches
  } catch (cause) {
    throw new BartizanError('BTZ_REQUEST_INVALID', 'the body is not a BatchUpload', { cause })
  }
  if (batches.length <= maxBatches) return batches
  throw new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `an upload of ${batches.length} batches, at most ${maxBatches}`)
}

const accept = (finished: Uint8Array, sender: Sender, maxRecordBytes: number): Accepted => {
  const { sessionId, bastion, batchSeq } = decodeBatchHeader(finished)
  if (!sender.mayWriteFor(bastion))
    throw new BartizanError('BTZ_FORBIDDEN', `the token may not write for bastion ${bastion}`)
  if (finished.byteLength + recordOverheadBytes > maxRecordBytes)
    throw new BartizanError('BTZ_BUS_RECORD_TOO_LARGE', `a batch of ${finished.byteLength} bytes`)
  const headers = { bastion, batchSeq: String(batchSeq) }
  const record: NewRecord = { topic: 'session-frames', key: sessionId, value: finished, headers }
  return { record, sessionId: sessionId as SessionId, batchSeq }
}

/** Each batch is taken or refused by itself: a broken one must not hold up the spool behind it. */
const sort = (batches: Uint8Array[], sender: Sender, maxRecordBytes: number) => {
  const accepted: Accepted[] = []
  const rejected: BatchesAnswer['rejected'] = []
  for (const [index, finished] of batches.entries()) {
    try {
      accepted.push(accept(finished, sender, maxRecordBytes))
    } catch (error) {
      if (!(error instanceof BartizanError)) throw error
      rejected.push({ index, code: error.code, reason: error.message })
    }
  }
  return { accepted, rejected }
}

/** Answers when the bus holds the batches durably. @throws BTZ_UNAVAILABLE BTZ_DISK_FULL BTZ_REQUEST_INVALID */
export const takeBatches = async (
  bus: Pick<Bus, 'produce' | 'maxRecordBytes'>,
  sender: Sender,
  body: Uint8Array,
): Promise<{ answer: BatchesAnswer; acceptedCount: number }> => {
  const { accepted, rejected } = sort(parseUpload(body), sender, bus.maxRecordBytes)
  if (accepted.length > 0) await bus.produce(accepted.map(({ record }) => record))
  const highest = new Map<SessionId, number>()
  for (const { sessionId, batchSeq } of accepted)
    highest.set(sessionId, Math.max(batchSeq, highest.get(sessionId) ?? batchSeq))
  const sessions = Array.from(highest, ([sessionId, durableSeq]) => ({ sessionId, durableSeq }))
  return { answer: { sessions, rejected }, acceptedCount: accepted.length }
}
