import { randomBytes } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { v7 } from 'uuid'
import { batchHash, encodeFrameBatch, type Frame, Stream } from '#services/recordings/format/frame-batch.ts'
import { EndReason, SessionEndSchema, SessionStartSchema } from '#services/schema/generated/frame_batch_pb.ts'

export const textFrame = (text: string, delayNs = 1_000_000n): Frame => ({
  delayNs,
  stream: Stream.TTYOUT,
  data: Buffer.from(text),
})

/** A session as an agent would write it: each call gives the finished bytes of its next batch, chained to the last. */
export const createSessionBatches = ({
  atMs = Date.UTC(2026, 0, 31, 12),
  bastion = 'bastion-1',
  sessionId = v7({ msecs: atMs }),
}: {
  atMs?: number
  bastion?: string
  sessionId?: string
} = {}) => {
  let batchSeq = 0
  let prevHash: Uint8Array = randomBytes(32)
  let startNs = 0n
  const write = (frames: readonly Frame[], fields: object = {}): Uint8Array => {
    const closedAtMs = atMs + batchSeq * 250
    const header = { sessionId, bastion, batchSeq, prevHash, startNs, closedAtMs, ...fields }
    const finished = encodeFrameBatch(header, frames)
    batchSeq++
    prevHash = batchHash(finished)
    startNs = frames.reduce((sum, frame) => sum + frame.delayNs, startNs)
    return finished
  }
  return {
    sessionId,
    bastion,
    atMs,
    point: () => ({ seq: batchSeq - 1, hash: prevHash }),
    first: (...frames: Frame[]) =>
      write(frames, { start: create(SessionStartSchema, { atMs: BigInt(atMs), hook: 'sudo', user: 'alice' }) }),
    next: (...frames: Frame[]) => write(frames),
    end: (...frames: Frame[]) =>
      write(frames, { end: create(SessionEndSchema, { atMs: BigInt(atMs), reason: EndReason.EXIT, exitCode: 0 }) }),
    withFields: (fields: object, ...frames: Frame[]) => write(frames, fields),
  }
}
export type SessionBatches = ReturnType<typeof createSessionBatches>
