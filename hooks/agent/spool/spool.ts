import type { Config } from '#services/config.ts'
import { diskError } from '#services/disk-error.ts'
import type { Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import { type Acknowledged, openAcknowledged } from './acknowledged.ts'
import type { AppendRequest } from './append-queue.ts'
import { createAppender } from './appender.ts'
import { forgetSessions } from './forget.ts'
import { limitsOf, type SpoolLevel } from './limits.ts'
import { readChunk, readOfSession, type SpoolChunk } from './reading.ts'
import type { SpoolEntry, SpoolRecord } from './record.ts'
import { type Recovered, recoverSpool } from './recovery.ts'
import { createRelease } from './release.ts'
import { createRoom, type Room } from './room.ts'
import type { Segment } from './segment.ts'

/** One append-only spool for all sessions and events: what a source was told is safe is in here, and durable. */
export type Spool = {
  readonly level: SpoolLevel
  readonly usedBytes: number
  readonly maxBytes: number
  readonly durablePosition: number
  readonly acknowledgedPosition: number
  /** Positions of what an earlier process had made durable and could not be read any more. */
  readonly damages: readonly number[]
  /**
   * Resolves when durable.
   * @throws BTZ_SPOOL_FULL, nothing of it was written; BTZ_DATA_UNWRITABLE after a failed sync; BTZ_UNAVAILABLE closed
   */
  append(request: AppendRequest): Promise<void>
  /** Whether `append` would take so much now. */
  admits(hintBytes: number): boolean
  /** Durable records from a position on; records of what was acknowledged may be gone. */
  read(position: number, maxBytes: number): Promise<SpoolChunk>
  /** The durable records of a session that are still here, in order. */
  readOfSession(sessionId: string): AsyncGenerator<SpoolRecord>
  /** Resolves when something is durable beyond the position, or at `signal`. */
  waitBeyond(position: number, signal: AbortSignal): Promise<void>
  /** Everything before the position is with the receiver. */
  acknowledge(position: number): void
  /** Of these sessions nothing stays longer than it has to. @returns those of which something is still here */
  forget(sessionIds: ReadonlySet<string>): Promise<Set<string>>
  /** Deletes the segments that are no longer needed. */
  release(): Promise<void>
  onLevel(listener: (level: SpoolLevel) => void): void
  /** A write or sync failed: nothing that was pending may be called safe, and nothing more is taken. */
  onFatal(listener: (error: Error) => void): void
  /** Writes what waits, within the limit, and closes. */
  close(limitMs: number): Promise<void>
}

export type SpoolOptions = {
  folder: string
  config: Config['agent']['spool']
  log: Logger
  /** At the start: the newest checkpoint and all durable records after it, in order. */
  onRecord: (record: SpoolRecord) => void
  /** What a restart needs to know of all records written so far; it opens each segment. */
  checkpoint: () => SpoolEntry
  /** Whether a segment that is acknowledged may go. Not asked when room is short. */
  mayRelease?: (segment: Segment) => Promise<boolean>
}

/** @throws BTZ_DATA_UNWRITABLE BTZ_DISK_FULL */
export const openSpool = async (options: SpoolOptions): Promise<Spool> => {
  const { folder, config, log } = options
  try {
    await makeFolder(folder)
    const recovered = await recoverSpool(folder, log, options.onRecord)
    const acknowledged = await openAcknowledged(folder, log)
    const room = createRoom(folder, limitsOf(config), log)
    for (const { bytes } of recovered.segments) room.use(bytes)
    await room.look()
    return createSpool(options, recovered, acknowledged, room)
  } catch (error) {
    throw diskError(error, folder)
  }
}

const createSpool = (options: SpoolOptions, recovered: Recovered, acknowledged: Acknowledged, room: Room): Spool => {
  const { folder, config, log } = options
  const { segments } = recovered
  const fatalListeners: ((error: Error) => void)[] = []
  const durableListeners = new Set<() => void>()
  // A spool whose files were removed must not reuse positions that were acknowledged.
  let durablePosition = Math.max(recovered.endPosition, acknowledged.position)

  const appender = createAppender({
    folder,
    fsyncMs: config.fsyncMs,
    limits: limitsOf(config),
    room,
    log,
    startPosition: durablePosition,
    checkpoint: options.checkpoint,
    onDurable: (segment, endPosition) => {
      if (segments.at(-1) !== segment) segments.push(segment)
      durablePosition = endPosition
      for (const listener of durableListeners) listener()
    },
    onFatal: (error) => {
      for (const listener of fatalListeners) listener(error)
    },
  })
  const release = createRelease({
    segments,
    mayGo: async (segment) => {
      if (segment.base + segment.bytes > acknowledged.position) return false
      return room.level !== 'ok' || (await options.mayRelease?.(segment)) !== false
    },
    onFreed: room.free,
    log,
  })

  return {
    get level() {
      return room.level
    },
    get usedBytes() {
      return room.usedBytes
    },
    maxBytes: config.maxBytes,
    get durablePosition() {
      return durablePosition
    },
    get acknowledgedPosition() {
      return acknowledged.position
    },
    damages: recovered.damages,
    append: appender.append,
    admits: appender.admits,
    read: (position, maxBytes) => readChunk(segments, position, maxBytes),
    readOfSession: (sessionId) => readOfSession(segments, sessionId),
    waitBeyond: (position, signal) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (durablePosition <= position && !signal.aborted) return
          durableListeners.delete(check)
          signal.removeEventListener('abort', check)
          resolve()
        }
        durableListeners.add(check)
        signal.addEventListener('abort', check)
        check()
      }),
    acknowledge: acknowledged.advance,
    forget: (sessionIds) => forgetSessions(segments, sessionIds, { roll: appender.roll, release }),
    release,
    onLevel: room.onLevel,
    onFatal: (listener) => void fatalListeners.push(listener),
    close: async (limitMs) => {
      await appender.close(limitMs)
      await release()
      await acknowledged.close()
    },
  }
}
