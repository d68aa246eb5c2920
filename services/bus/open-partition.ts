import { open, readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import type { Logger } from '../log.ts'
import { resumeErasing } from './erase-frames.ts'
import { corrupt } from './frame-read.ts'
import { type Scan, scanFrames, wasDurable } from './frame-scan.ts'
import { createLogSegment, type LogSegment, segmentPath } from './log-segment.ts'

const segmentName = /^\d{20}\.log$/

export type FoundPartition = { segments: LogSegment[]; endOffset: number }

/** The entries of a new partition: its file, its folder, its topic's folder. */
export const syncPartitionFolder = async (folder: string): Promise<void> => {
  const topicFolder = dirname(folder)
  for (const changed of [folder, topicFolder, dirname(topicFolder)]) await syncFolder(changed)
}

const firstOffsets = async (folder: string): Promise<number[]> => {
  try {
    const names = await readdir(folder)
    return names
      .filter((name) => segmentName.test(name))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

/** The segment that is appended to, cut back to its last intact record. @throws BTZ_BUS_CORRUPT */
const openLast = async (folder: string, firstOffset: number, mark: Buffer, log: Logger) => {
  const path = segmentPath(folder, firstOffset)
  const handle = await open(path, 'r+')
  try {
    const scan: Scan = await scanFrames(handle, mark, firstOffset)
    const { size } = await handle.stat()
    if (scan.intactBytes < size) {
      if (await wasDurable(handle, mark, scan.intactBytes)) throw corrupt(path, scan.endOffset, 'damaged record')
      await handle.truncate(scan.intactBytes)
      log.warn({ path, offset: scan.endOffset, bytes: size - scan.intactBytes }, 'bus: cut off a torn tail')
    }
    // A process killed between write and sync leaves records that only the page cache has; they are about to be read.
    await handle.sync()
    await syncPartitionFolder(folder)
    return { segment: createLogSegment({ folder, firstOffset, mark, scan, handle }), endOffset: scan.endOffset }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** What is on the disk of a partition; nothing before its first record. */
export const findPartition = async (folder: string, mark: Buffer, log: Logger): Promise<FoundPartition> => {
  const offsets = await firstOffsets(folder)
  const lastOffset = offsets.pop()
  if (lastOffset === undefined) return { segments: [], endOffset: 0 }
  await resumeErasing(folder)
  const { segment, endOffset } = await openLast(folder, lastOffset, mark, log)
  const sealed = offsets.map((firstOffset) => createLogSegment({ folder, firstOffset, mark }))
  return { segments: [...sealed, segment], endOffset }
}
