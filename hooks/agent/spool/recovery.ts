import { open, rm } from 'node:fs/promises'
import { syncFolder } from '#services/durable-file.ts'
import type { Logger } from '#services/log.ts'
import type { SpoolRecord } from './record.ts'
import { listSegments, readSegment, type Segment } from './segment.ts'

export type Recovered = {
  segments: Segment[]
  endPosition: number
  damages: number[] // positions of what was durable and cannot be read any more
}

const sized = async (found: { file: string; base: number }): Promise<Segment> => {
  const handle = await open(found.file, 'r')
  try {
    return { ...found, bytes: (await handle.stat()).size }
  } finally {
    await handle.close()
  }
}

const startsWithCheckpoint = async (segment: Segment): Promise<boolean> => {
  for await (const read of readSegment(segment, segment.base)) {
    return read.kind === 'record' && read.record.position === segment.base && read.record.type === 'checkpoint'
  }
  return false
}

/** Where the reading for a restart begins: the newest segment whose checkpoint is whole. */
const firstToRead = async (segments: readonly Segment[]): Promise<number> => {
  for (let index = segments.length - 1; index > 0; index--) {
    if (await startsWithCheckpoint(segments[index]!)) return index
  }
  return 0
}

type Scan = { bytes: number; damages: number[] }

/**
 * Reads a segment to the end of what was durable. A stretch that cannot be read is damage only when a later record
 * shows, by its groupStart, that it had been synced; else it is the torn tail of the last write.
 */
const scan = async (segment: Segment, onRecord: (record: SpoolRecord) => void): Promise<Scan> => {
  let bytes = 0
  let unreadable: number | null = null
  const damages: number[] = []
  for await (const read of readSegment(segment, segment.base)) {
    if (read.kind === 'damage') {
      unreadable = read.position
      continue
    }
    if (unreadable !== null) {
      if (read.record.groupStart <= unreadable) break
      damages.push(unreadable)
      unreadable = null
    }
    onRecord(read.record)
    bytes = read.record.endPosition - segment.base
  }
  return { bytes, damages }
}

const truncate = async (segment: Segment, bytes: number): Promise<void> => {
  const handle = await open(segment.file, 'r+')
  try {
    await handle.truncate(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Finds what an earlier process left: cuts the torn tail, and hands over in order the newest checkpoint and every
 * record after it.
 */
export const recoverSpool = async (
  folder: string,
  log: Logger,
  onRecord: (record: SpoolRecord) => void,
): Promise<Recovered> => {
  const segments = await Promise.all((await listSegments(folder)).map(sized))
  const first = await firstToRead(segments)
  const damages: number[] = []
  for (const segment of segments.slice(first)) {
    const { bytes, damages: found } = await scan(segment, onRecord)
    damages.push(...found)
    const isLast = segment === segments.at(-1)
    if (bytes === segment.bytes) continue
    if (!isLast) {
      // Segments before the last were synced as a whole: an unreadable end of theirs is damage.
      damages.push(segment.base + bytes)
      continue
    }
    log.warn({ file: segment.file, cutBytes: segment.bytes - bytes }, 'spool: torn tail cut off')
    await truncate(segment, bytes)
    segment.bytes = bytes
  }
  const last = segments.at(-1)
  if (last?.bytes === 0) {
    segments.pop()
    await rm(last.file)
    await syncFolder(folder)
  }
  return { segments, endPosition: last ? last.base + last.bytes : 0, damages }
}
