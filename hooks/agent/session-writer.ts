import { hasCode } from '#services/errors.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import type { SessionEnd, SessionStart } from '#services/schema/generated/frame_batch_pb.ts'
import { createBatchBuilder, type PendingBatch } from './batch-builder.ts'
import { createLosses } from './losses.ts'
import { extendChain, type NewBatch, type SessionChain, type Signing, sourceBytes } from './session-chain.ts'
import type { SpoolEntry } from './spool/record.ts'
import type { Spool } from './spool/spool.ts'

const batchOverheadBytes = 1024
const worthwhileRoomBytes = 64 * 1024

/** Brings the frames of a session into the spool, batch by batch, and says when they are durable. */
export type SessionWriter = {
  /** @throws as spool.append */
  open(start: SessionStart): Promise<void>
  /** `commitNs`: what the source may be told when all of this frame is durable. */
  add(frame: Frame, commitNs: bigint): void
  /** There is room again: a gap is recorded now, and not only with the next frame. */
  roomAgain(): void
  /** Resolves when all that was added is durable. */
  flush(): Promise<void>
  /** The end and the signed head over it are durable when resolved. @throws as spool.append */
  end(end: SessionEnd): Promise<void>
}

export type SessionWriterOptions = {
  chain: SessionChain
  spool: Pick<Spool, 'append' | 'admits'>
  bastion: string
  signing: Signing
  maxBytes: number
  maxMs: number
  fromNs: bigint
  onDurable: (bytes: number, commitNs: bigint) => void
  /** There was no room: so many bytes are given up. */
  onLost: (bytes: number) => void
  /** Nothing can be written for this session any more, or what was to be written makes no sense. */
  onBroken: (error: unknown) => void
}

export const createSessionWriter = (options: SessionWriterOptions): SessionWriter => {
  const { chain, spool, bastion, signing, onDurable, onLost, onBroken } = options
  const lane = chain.sessionId
  const losses = createLosses()
  const builder = createBatchBuilder(options.maxBytes, options.fromNs, (bytes) => void write(bytes))
  let timer: NodeJS.Timeout | null = null
  let broken = false

  const entryOf = (batch: NewBatch): SpoolEntry => extendChain(chain, batch, bastion, signing, Date.now())
  const lose = (batch: PendingBatch): void => {
    for (const frame of batch.frames) losses.add(frame, batch.commitNs)
    onLost(batch.sourceBytes)
  }
  const refused = (error: unknown): void => {
    for (let batch = builder.take(); batch; batch = builder.take()) lose(batch)
    if (hasCode(error, 'BTZ_SPOOL_FULL')) return
    broken = true
    onBroken(error)
  }

  // Each completed batch asks for its write, so the oldest is always taken by a write that was asked for in time.
  const write = async (hintBytes: number): Promise<void> => {
    const taken: { batch: PendingBatch | null } = { batch: null }
    const encode = (): SpoolEntry | null => {
      taken.batch = builder.take()
      if (!taken.batch) return null
      try {
        return entryOf(taken.batch)
      } catch (error) {
        lose(taken.batch)
        throw error
      }
    }
    try {
      await spool.append({ lane, hintBytes: hintBytes + batchOverheadBytes, encode })
      if (taken.batch) onDurable(taken.batch.sourceBytes, taken.batch.commitNs)
    } catch (error) {
      refused(error)
    }
  }

  const armTimer = (): void => {
    timer ??= setTimeout(() => {
      timer = null
      void write(builder.bytes())
    }, options.maxMs)
  }
  const gapBatch = (): PendingBatch => {
    const { frame, commitNs } = losses.take()
    return { frames: [frame], bytes: frame.data.byteLength, sourceBytes: 0, commitNs }
  }
  const recordGap = (): boolean => {
    if (broken || !spool.admits(worthwhileRoomBytes)) return false
    builder.addBatch(gapBatch())
    armTimer()
    return true
  }

  return {
    open: (start) =>
      spool.append({ lane, hintBytes: 4 * batchOverheadBytes, encode: () => entryOf({ frames: [], start }) }),
    add: (frame, commitNs) => {
      if (broken || (losses.any() && !recordGap())) {
        losses.add(frame, commitNs)
        onLost(sourceBytes(frame))
        return
      }
      builder.add(frame, commitNs)
      armTimer()
    },
    roomAgain: () => void (losses.any() && recordGap()),
    flush: () => write(builder.bytes()),
    end: async (end) => {
      if (timer) clearTimeout(timer)
      const useReserve = true
      const last: { batch: PendingBatch | null } = { batch: null }
      const encodeEnd = (): SpoolEntry => {
        last.batch = losses.any() ? gapBatch() : builder.take()
        return entryOf({ frames: last.batch?.frames ?? [], end })
      }
      const encodeSeal = (): SpoolEntry | null => (chain.end ? entryOf({ frames: [] }) : null)
      await Promise.all([
        spool.append({ lane, hintBytes: builder.bytes() + batchOverheadBytes, useReserve, encode: encodeEnd }),
        spool.append({ lane, hintBytes: batchOverheadBytes, useReserve, encode: encodeSeal }),
      ])
      if (last.batch) onDurable(last.batch.sourceBytes, last.batch.commitNs)
    },
  }
}
