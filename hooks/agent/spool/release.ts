import { rm } from 'node:fs/promises'
import type { Logger } from '#services/log.ts'
import type { Segment } from './segment.ts'

/**
 * Deletes segments from the oldest on while `mayGo` says so. The newest stays in any case: it holds the checkpoint a
 * restart begins with.
 */
export const createRelease = (options: {
  segments: Segment[]
  mayGo: (segment: Segment) => Promise<boolean>
  onFreed: (bytes: number) => void
  log: Logger
}): (() => Promise<void>) => {
  const { segments, mayGo, onFreed, log } = options
  let releasing = Promise.resolve()

  const releaseWhilePossible = async (): Promise<void> => {
    try {
      while (segments.length > 1 && (await mayGo(segments[0]!))) {
        const oldest = segments[0]!
        await rm(oldest.file)
        segments.shift()
        onFreed(oldest.bytes)
      }
    } catch (error) {
      log.error({ err: error }, 'spool: a segment that is not needed any more could not be removed')
    }
  }
  return () => {
    releasing = releasing.then(releaseWhilePossible)
    return releasing
  }
}
