import { BartizanError } from '#services/errors.ts'
import {
  type DecodedBatch,
  decodeBatchHeader,
  decodeFrames,
  type Frame,
} from '#services/recordings/format/frame-batch.ts'
import type { SpoolRecord } from './spool/record.ts'

const maxTailBytes = 64 * 1024 * 1024

const refuse = (why: string): never => {
  throw new BartizanError('BTZ_NOT_FOUND', `the recording cannot be resumed: ${why}`)
}

/** The frames that come after the first one at which the elapsed time reaches the resume point. */
const framesAfter = (frames: Frame[], startNs: bigint, resumePointNs: bigint): Frame[] => {
  let elapsedNs = startNs
  if (elapsedNs === resumePointNs) return frames
  for (const [index, frame] of frames.entries()) {
    elapsedNs += frame.delayNs
    if (elapsedNs > resumePointNs) return refuse('the resume point is inside a frame')
    if (elapsedNs === resumePointNs) return frames.slice(index + 1)
  }
  return []
}

const isTooLate = ({ batchSeq, startNs }: DecodedBatch, resumePointNs: bigint): boolean =>
  batchSeq > 0 && (startNs > resumePointNs || resumePointNs === 0n)

/**
 * What is recorded of a session after a resume point. `records`: its durable batches that are still here, in order.
 * @throws BTZ_NOT_FOUND when the spool does not go back that far, or the point is no place between two frames
 */
export const tailAfter = async (records: AsyncIterable<SpoolRecord>, resumePointNs: bigint): Promise<Frame[]> => {
  const tail: Frame[] = []
  let oldest = true
  let reached = false
  let bytes = 0
  for await (const { type, body } of records) {
    if (type !== 'batch') continue
    const batch = decodeBatchHeader(body)
    if (oldest && isTooLate(batch, resumePointNs)) refuse('the spool does not go back that far any more')
    oldest = false
    if (batch.endNs < resumePointNs) continue
    bytes += batch.message.payloadSize
    if (bytes > maxTailBytes) refuse(`more than ${maxTailBytes} bytes would have to be sent again`)
    const frames = decodeFrames(batch)
    tail.push(...(reached ? frames : framesAfter(frames, batch.startNs, resumePointNs)))
    reached = true
  }
  if (!reached) refuse('the resume point is later than what is recorded')
  return tail
}
