import type { Frame } from '#services/recordings/format/frame-batch.ts'
import { sourceBytes } from './session-chain.ts'

/** Columns of so many frames, all masked, and a full payload stay well below the limit of a batch. */
const maxFrames = 8192

/** `commitNs`: what the source may be told once this batch is durable. */
export type PendingBatch = { frames: Frame[]; bytes: number; sourceBytes: number; commitNs: bigint }

/** Gathers the frames of a session into batches; a frame that is longer than a batch is split. */
export type BatchBuilder = {
  /** Of the batch that is not complete yet. */
  bytes(): number
  /** `commitNs`: what may be told when all of this frame is durable. */
  add(frame: Frame, commitNs: bigint): void
  /** Only while it is empty. */
  addBatch(batch: PendingBatch): void
  /** The oldest batch, complete or not; null: there is nothing. */
  take(): PendingBatch | null
}

export const createBatchBuilder = (
  maxBytes: number,
  fromNs: bigint,
  onComplete: (bytes: number) => void,
): BatchBuilder => {
  let lastCommitNs = fromNs
  const newBatch = (): PendingBatch => ({ frames: [], bytes: 0, sourceBytes: 0, commitNs: lastCommitNs })
  let current = newBatch()
  let complete: PendingBatch[] = []

  const closeCurrent = (): void => {
    const { bytes } = current
    complete.push(current)
    current = newBatch()
    onComplete(bytes)
  }
  const put = (frame: Frame, commitNs: bigint): void => {
    const isFull = current.bytes + frame.data.byteLength > maxBytes || current.frames.length === maxFrames
    if (isFull && current.frames.length > 0) closeCurrent()
    current.frames.push(frame)
    current.bytes += frame.data.byteLength
    current.sourceBytes += sourceBytes(frame)
    current.commitNs = lastCommitNs = commitNs
  }
  return {
    bytes: () => current.bytes,
    add: (frame, commitNs) => {
      const { data } = frame
      if (data.byteLength <= maxBytes) return put(frame, commitNs)
      // The delay is on the first part, the commit point moves with the last.
      const beforeNs = lastCommitNs
      for (let from = 0; from < data.byteLength; from += maxBytes) {
        const isLast = from + maxBytes >= data.byteLength
        const part = { ...frame, delayNs: from === 0 ? frame.delayNs : 0n, data: data.subarray(from, from + maxBytes) }
        put(part, isLast ? commitNs : beforeNs)
      }
    },
    addBatch: (batch) => {
      current = batch
      lastCommitNs = batch.commitNs
    },
    take: () => {
      const [oldest, ...rest] = complete
      if (oldest) {
        complete = rest
        return oldest
      }
      if (current.frames.length === 0) return null
      const taken = current
      current = newBatch()
      return taken
    },
  }
}
