import { BartizanError } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { type AppendRequest, createAppendQueue, type Waiting } from './append-queue.ts'
import { createGroupWriter, type Group } from './group-writer.ts'
import type { SpoolLimits } from './limits.ts'
import type { SpoolEntry } from './record.ts'
import { isDiskFull, type Room } from './room.ts'
import type { Segment } from './segment.ts'

const lookForRoomMs = 1_000
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

export type Appender = {
  /** Resolves when durable. @throws BTZ_SPOOL_FULL BTZ_DATA_UNWRITABLE BTZ_UNAVAILABLE */
  append(request: AppendRequest): Promise<void>
  admits(hintBytes: number): boolean
  /** What comes from now on goes to a new segment, which is there when resolved. */
  roll(): Promise<void>
  /** Writes what waits; gives up on a full disk after `limitMs`. */
  close(limitMs: number): Promise<void>
}

export type AppenderOptions = {
  folder: string
  fsyncMs: number
  limits: SpoolLimits
  room: Room
  log: Logger
  startPosition: number
  checkpoint: () => SpoolEntry
  onDurable: (segment: Segment, endPosition: number) => void
  onFatal: (error: Error) => void
}

const fullError = () =>
  new BartizanError('BTZ_SPOOL_FULL', 'the spool on this host is full', {
    hint: 'mend the way to the receiver or free disk space, or raise agent.spool.maxBytes',
  })

/** Group commit: one write and one sync for everything that gathered while the one before ran, or for `fsyncMs`. */
export const createAppender = (options: AppenderOptions): Appender => {
  const { folder, fsyncMs, limits, room, log } = options
  const queue = createAppendQueue()
  const writer = createGroupWriter(folder)
  let position = options.startPosition
  let active: Segment | null = null // each process opens a segment of its own
  let running: Promise<void> | null = null
  let hurry = (): void => {}
  let mustRoll = false
  let closing = false
  let failure: Error | null = null

  const gather = async (): Promise<void> => {
    const waitedMs = performance.now() - (queue.first?.queuedAtMs ?? 0)
    if (queue.bytes >= limits.groupBytes || waitedMs >= fsyncMs) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, fsyncMs - waitedMs)
      hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  const store = async (group: Group): Promise<Segment> => {
    for (;;) {
      try {
        return await writer.write(group)
      } catch (error) {
        if (!isDiskFull(error) || closing) throw error
        const gaveUpReserve = await room.diskFull(error)
        queue.refuse(fullError(), false)
        if (!gaveUpReserve) await pause(lookForRoomMs)
      }
    }
  }

  const fail = (cause: unknown, taken: readonly Waiting[]): void => {
    failure = new BartizanError('BTZ_DATA_UNWRITABLE', `the spool cannot be written: ${(cause as Error).message}`, {
      hint: `look at the disk of ${folder}`,
      cause,
    })
    log.fatal({ err: cause }, 'spool: a write or sync failed')
    for (const { settle } of taken) settle.reject(failure)
    queue.refuse(failure, true)
    options.onFatal(failure)
  }

  const writeNext = async (): Promise<void> => {
    const opensWith = active && !mustRoll && active.bytes < limits.segmentBytes ? null : options.checkpoint()
    mustRoll = false
    const { group, taken } = queue.take(position, opensWith, limits.groupBytes)
    position += group.bytes
    room.use(group.bytes)
    try {
      if (group.bytes > 0) {
        active = await store(group)
        options.onDurable(active, position)
      }
      for (const { settle } of taken) settle.resolve()
    } catch (error) {
      fail(error, taken)
    }
  }

  const run = async (): Promise<void> => {
    while (queue.first && !failure) {
      await gather()
      await writeNext()
    }
    running = null
  }

  const lookForRoom = async (): Promise<void> => {
    await room.look().catch((error: unknown) => log.error({ err: error }, 'spool: looking for room failed'))
    await run()
  }
  const timer = setInterval(() => {
    if (room.level === 'full' && !running && !failure) running = lookForRoom()
  }, lookForRoomMs)
  timer.unref()

  const append = (request: AppendRequest): Promise<void> => {
    if (failure) return Promise.reject(failure)
    if (closing) return Promise.reject(new BartizanError('BTZ_UNAVAILABLE', 'the spool is closed'))
    if (!room.admits(queue.bytes + request.hintBytes, request.useReserve ?? false)) return Promise.reject(fullError())
    const durable = queue.add(request)
    if (queue.bytes >= limits.groupBytes) hurry()
    running ??= run()
    return durable
  }
  return {
    append,
    roll: () => {
      mustRoll = true
      return append({ hintBytes: 0, encode: options.checkpoint })
    },
    admits: (hintBytes) => !failure && !closing && room.admits(queue.bytes + hintBytes, false),
    close: async (limitMs) => {
      clearInterval(timer)
      hurry()
      const limit = setTimeout(() => {
        closing = true
      }, limitMs)
      while (running) await running
      clearTimeout(limit)
      closing = true
      await writer.close()
    },
  }
}
