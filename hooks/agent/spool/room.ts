import { systemCode } from '#services/disk-error.ts'
import type { Logger } from '#services/log.ts'
import { levelOf, type SpoolLevel, type SpoolLimits } from './limits.ts'
import { createReserve } from './reserve.ts'

/** Keeps account of the room there is: of what the configuration allows, and of the disk itself. */
export type Room = {
  readonly level: SpoolLevel
  readonly usedBytes: number
  use(bytes: number): void
  free(bytes: number): void
  /** Whether so much more may be queued. A refusal makes the level `full`. */
  admits(bytes: number, useReserve: boolean): boolean
  /** The disk said that it is full. True the first time: the reserve has been given up, trying again makes sense. */
  diskFull(error: unknown): Promise<boolean>
  /** Looks for room on the disk again; at the start too. Only with no write under way. */
  look(): Promise<void>
  onLevel(listener: (level: SpoolLevel) => void): void
}

export const isDiskFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')

export const createRoom = (folder: string, limits: SpoolLimits, log: Logger): Room => {
  const reserve = createReserve(folder, limits.reserveBytes)
  const listeners: ((level: SpoolLevel) => void)[] = []
  const { capacityBytes, reserveBytes } = limits
  let level: SpoolLevel = 'ok'
  let usedBytes = 0
  let diskIsFull = false

  const judge = (bytes: number): void => {
    const before = level
    level = levelOf(bytes, capacityBytes, before, diskIsFull)
    if (level === before) return
    log[level === 'ok' ? 'info' : 'warn']({ level, before, usedBytes, capacityBytes, diskIsFull }, 'spool level')
    for (const listener of listeners) listener(level)
  }
  return {
    get level() {
      return level
    },
    get usedBytes() {
      return usedBytes
    },
    use: (bytes) => {
      usedBytes += bytes
      judge(usedBytes)
    },
    free: (bytes) => {
      usedBytes -= bytes
      judge(usedBytes)
    },
    admits: (bytes, useReserve) => {
      if (useReserve) return usedBytes + bytes <= capacityBytes + reserveBytes
      if (level === 'full') return false
      if (usedBytes + bytes <= capacityBytes) return true
      judge(usedBytes + bytes)
      return false
    },
    diskFull: async (error) => {
      const first = !diskIsFull
      if (first) log.error({ err: error }, 'spool: the disk is full')
      diskIsFull = true
      judge(usedBytes)
      if (first) await reserve.giveUp()
      return first
    },
    look: async () => {
      try {
        await reserve.take()
        diskIsFull = false
      } catch (error) {
        if (!isDiskFull(error)) throw error
        diskIsFull = true
      }
      judge(usedBytes)
    },
    onLevel: (listener) => void listeners.push(listener),
  }
}
