import { mkdir, open } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import { diskError, systemCode } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import { BartizanError, hasCode } from '../errors.ts'
import type { Wanted } from './erase-frames.ts'
import { corrupt } from './frame-read.ts'
import { createGathering } from './gather.ts'
import { createLogSegment, type LogSegment, segmentPath } from './log-segment.ts'
import { createMemoryTail } from './memory-tail.ts'
import { type FoundPartition, syncPartitionFolder } from './open-partition.ts'
import { createReadGate } from './read-gate.ts'
import { type ReadRecord, stampGroup } from './record-codec.ts'
import { countExpired } from './retention.ts'
import { createSerial } from './serial.ts'

const groupBytes = 4 * 1024 * 1024

export type LogPartition = {
  readonly startOffset: number // of the oldest record kept
  readonly endOffset: number // of the next record; all before it is durable
  /** Frames of one produce call: contiguous, in order. Resolves with the offset of the first, once durable. */
  append(frames: Buffer[]): Promise<number>
  /** From `offset` (or the oldest kept) on, at least one record, then up to `maxBytes`; empty only at the end. */
  read(offset: number, maxBytes: number): Promise<ReadRecord[]>
  /** Resolves when there is a record at `offset`, or on abort. */
  waitFor(offset: number, signal: AbortSignal): Promise<void>
  /** `committedByAll` is asked at the moment of removal. Resolves with the number of removed segments. */
  removeExpired(limits: { olderThanMs: number; committedByAll(): number }): Promise<number>
  /** Of all records that are durable now; their content is gone from the files when resolved. @returns how many */
  erase(wanted: Wanted): Promise<number>
  close(): Promise<void>
}

export type LogPartitionOptions = {
  folder: string
  mark: Buffer
  segmentBytes: number
  clock: Clock
  found: FoundPartition
  onRoll(): void
}

/** Takes whole calls until the group is large enough. */
const takeGroup = (waiting: Buffer[][]): number => {
  let bytes = 0
  const full = waiting.findIndex((frames) => {
    for (const frame of frames) bytes += frame.length
    return bytes >= groupBytes
  })
  return full === -1 ? waiting.length : full + 1
}

const firstOffsets = (calls: Buffer[][], firstOffset: number): number[] => {
  let next = firstOffset
  return calls.map(({ length }) => {
    next += length
    return next - length
  })
}

/**
 * After a failed sync the kernel may have dropped the pages and call the next sync a success, though nothing reached
 * the disk (fsync(2), "EIO"; https://wiki.postgresql.org/wiki/Fsync_Errors): only reading the file anew tells.
 */
const unwritable = (folder: string, cause: unknown): BartizanError =>
  new BartizanError('BTZ_UNAVAILABLE', `${folder} takes no more records: ${(cause as Error).message}`, {
    cause,
    hint: 'check the disk, then restart: what was acknowledged is safe',
  })

/** Without room for an empty successor the older files can go all the same, and make room. */
const unlessDiskFull = (error: unknown): void => {
  if (!hasCode(error, 'BTZ_DISK_FULL')) throw error
}

export const createLogPartition = (options: LogPartitionOptions): LogPartition => {
  const { folder, mark, segmentBytes, clock, onRoll } = options
  const segments: LogSegment[] = [...options.found.segments]
  const tail = createMemoryTail()
  const exclusively = createSerial()
  const gate = createReadGate()
  const waiting = new Set<() => void>()
  let endOffset = options.found.endOffset
  let failure: BartizanError | null = null

  const createSegmentFile = async () => {
    try {
      if (segments.length === 0) await mkdir(folder, { recursive: true, mode: 0o700 })
      return await open(segmentPath(folder, endOffset), 'wx+', 0o600)
    } catch (error) {
      throw diskError(error, folder)
    }
  }
  const roll = async (): Promise<LogSegment> => {
    const handle = await createSegmentFile()
    const scan = { endOffset, intactBytes: 0, index: [] }
    const segment = createLogSegment({ folder, firstOffset: endOffset, mark, scan, handle })
    try {
      await (segments.length === 0 ? syncPartitionFolder(folder) : syncFolder(folder))
    } catch (error) {
      await segment.seal()
      throw error
    }
    await segments.at(-1)?.seal()
    segments.push(segment)
    onRoll()
    return segment
  }
  const segmentFor = async (bytes: number): Promise<LogSegment> => {
    const last = segments.at(-1)
    return last && (last.sizeBytes === 0 || last.sizeBytes + bytes <= segmentBytes) ? last : roll()
  }
  const appendGroup = async (calls: Buffer[][]): Promise<number[]> => {
    const buffers = calls.flat()
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0)
    const segment = await segmentFor(bytes)
    const place = { mark, groupStart: segment.sizeBytes, firstOffset: endOffset, timestampMs: clock.now() }
    const frames = stampGroup(buffers, place)
    await segment.append(frames, bytes)
    tail.add(frames, bytes)
    endOffset += frames.length
    for (const wake of waiting) wake()
    return firstOffsets(calls, place.firstOffset)
  }
  const appendUnlessFailed = async (calls: Buffer[][]): Promise<number[]> => {
    if (failure) throw failure
    try {
      return await appendGroup(calls)
    } catch (error) {
      if (hasCode(error, 'BTZ_DISK_FULL')) throw error
      failure = unwritable(folder, error)
      throw failure
    }
  }
  const appends = createGathering<Buffer[], number>((calls) => exclusively(() => appendUnlessFailed(calls)), takeGroup)

  const startOffset = () => segments[0]?.firstOffset ?? 0
  const read = async (offset: number, maxBytes: number): Promise<ReadRecord[]> => {
    const from = Math.max(offset, startOffset())
    if (from >= endOffset) return []
    const held = tail.read(from, maxBytes)
    if (held) return held
    const segment = segments.findLast(({ firstOffset }) => firstOffset <= from)!
    try {
      const records = await segment.read(from, maxBytes)
      if (records.length > 0) return records
    } catch (error) {
      if (systemCode(error) === 'ENOENT' && startOffset() > from) return read(offset, maxBytes)
      throw error
    }
    throw corrupt(segment.path, from, 'missing record')
  }

  /** A segment whose time is over goes as a whole. */
  const eraseIn = async (segment: LogSegment, wanted: Wanted): Promise<number> => {
    try {
      const { count, erase } = await segment.find(wanted)
      if (count > 0)
        await gate.alone(async () => {
          await erase()
          tail.clear()
        })
      return count
    } catch (error) {
      if (systemCode(error) === 'ENOENT' && !segments.includes(segment)) return 0
      throw diskError(error, segment.path)
    }
  }

  const withAges = () =>
    Promise.all(
      segments.map(async (segment, at) => ({
        endOffset: segments[at + 1]?.firstOffset ?? endOffset,
        changedAtMs: await segment.changedAtMs(),
      })),
    )
  /** The file appended to goes too, once an empty successor holds the place of the next offset. */
  const takeExpired = async (limits: { olderThanMs: number; committedByAll(): number }): Promise<LogSegment[]> => {
    if (failure) return []
    const ages = await withAges()
    const count = () => countExpired(ages, { ...limits, committedByAll: limits.committedByAll() })
    if (count() === segments.length && (segments.at(-1)?.sizeBytes ?? 0) > 0) await roll().catch(unlessDiskFull)
    // Asked again, and acted on in the same turn: a group that joined meanwhile began at the oldest record.
    return segments.splice(0, Math.min(count(), segments.length - 1))
  }

  return {
    get startOffset() {
      return startOffset()
    },
    get endOffset() {
      return endOffset
    },
    append: (frames) => appends.add(frames),
    read: (offset, maxBytes) => gate.shared(() => read(offset, maxBytes)),
    async waitFor(offset, signal) {
      while (endOffset <= offset && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const wake = () => resolve()
        waiting.add(wake)
        signal.addEventListener('abort', wake)
        await promise
        waiting.delete(wake)
        signal.removeEventListener('abort', wake)
      }
    },
    async removeExpired(limits) {
      const expired = await exclusively(() => takeExpired(limits))
      // Oldest first: a crash in between leaves no hole.
      for (const segment of expired) await segment.remove()
      return expired.length
    },
    async erase(wanted) {
      let count = 0
      for (const segment of [...segments]) count += await eraseIn(segment, wanted)
      return count
    },
    async close() {
      await appends.idle()
      await exclusively(async () => segments.at(-1)?.seal())
    },
  }
}
