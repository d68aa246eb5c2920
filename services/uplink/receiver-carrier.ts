import { create, toBinary } from '@bufbuild/protobuf'
import { BatchUploadSchema } from '../schema/generated/frame_batch_pb.ts'
import { type Carrier, retryLater } from './carrier.ts'
import type { ReceiverClient } from './receiver-client.ts'
import { judgeBatches, judgeEvents, type Sendable } from './verdict.ts'

const callTimeoutMs = 60_000
const notAccepted = 'the receiver rejects records and has not accepted this agent yet'
const newline = Buffer.from('\n')

type Kind = {
  path: string
  contentType: string
  body: (sent: readonly Sendable[]) => Uint8Array
  judge: typeof judgeBatches
}
const kinds: Record<'batch' | 'event', Kind> = {
  batch: {
    path: '/api/ingest/batches',
    contentType: 'application/x-protobuf',
    body: (sent) => toBinary(BatchUploadSchema, create(BatchUploadSchema, { batches: sent.map(({ body }) => body) })),
    judge: judgeBatches,
  },
  event: {
    path: '/api/ingest/events',
    contentType: 'application/x-ndjson',
    body: (sent) => Buffer.concat(sent.flatMap(({ body }) => [body, newline])),
    judge: judgeEvents,
  },
}

/** Through the receiver, which answers when the bus has them. */
export const createReceiverCarrier = (client: ReceiverClient): Carrier => ({
  carry: async (type, sent, signal) => {
    const { path, contentType, body, judge } = kinds[type]
    try {
      const call = { method: 'POST' as const, path, contentType, body: body(sent), timeoutMs: callTimeoutMs, signal }
      const answer = await client.call(call)
      const verdict = judge(sent, answer)
      const isRefusal = verdict.kind === 'taken' && verdict.rejected.length > 0
      // A token of another bastion has everything rejected: nothing is given up before we know that ours is right.
      if (isRefusal && !client.isAccepted) return retryLater(notAccepted)
      return { verdict, waitMs: answer.retryAfterMs }
    } catch (error) {
      return retryLater((error as Error).message)
    }
  },
  lookAgain: client.lookAgain,
})
