import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { mark, parseRecord, type SpoolRecord } from './record.ts'

/** One file of the spool. `base`: its place in the whole spool, also its name. `bytes`: how much of it is valid. */
export type Segment = { file: string; base: number; bytes: number }

const namePattern = /^(\d{16})\.spool$/
const windowBytes = 1024 * 1024

export const segmentFile = (folder: string, base: number): string =>
  join(folder, `${String(base).padStart(16, '0')}.spool`)

/** In order of their place. */
export const listSegments = async (folder: string): Promise<{ file: string; base: number }[]> =>
  (await readdir(folder))
    .flatMap((name) => {
      const base = namePattern.exec(name)?.[1]
      return base === undefined ? [] : [{ file: join(folder, name), base: Number(base) }]
    })
    .sort((a, b) => a.base - b.base)

export type Damage = { kind: 'damage'; position: number }
export type Read = { kind: 'record'; record: SpoolRecord } | Damage

const readAt = async (handle: FileHandle, offset: number, length: number): Promise<Buffer> => {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** Place in the file of the next byte run that parses as a record of that place, or null. */
const nextRecord = async (handle: FileHandle, segment: Segment, from: number): Promise<number | null> => {
  const rest = await readAt(handle, from, segment.bytes - from)
  for (let found = rest.indexOf(mark); found >= 0; found = rest.indexOf(mark, found + 1)) {
    if (parseRecord(rest, found, segment.base + from + found).kind === 'record') return from + found
  }
  return null
}

/**
 * The records of a segment from a position on. Each stretch that is none is reported as one damage; reading goes on at
 * the next record after it.
 */
export async function* readSegment(segment: Segment, fromPosition: number): AsyncGenerator<Read> {
  const handle = await open(segment.file, 'r')
  try {
    let offset = fromPosition - segment.base
    let window: Buffer = Buffer.alloc(0)
    let windowAt = offset
    while (offset < segment.bytes) {
      const result = parseRecord(window, offset - windowAt, segment.base + offset)
      if (result.kind === 'record') {
        yield result
        offset = result.record.endPosition - segment.base
        continue
      }
      const wanted = result.kind === 'incomplete' ? result.recordBytes : 0
      const fits = wanted > 0 && offset + wanted <= segment.bytes
      if (fits && window.length - (offset - windowAt) < wanted) {
        window = await readAt(handle, offset, Math.min(Math.max(windowBytes, wanted), segment.bytes - offset))
        windowAt = offset
        if (window.length >= wanted) continue
      }
      yield { kind: 'damage', position: segment.base + offset }
      const next = await nextRecord(handle, segment, offset + 1)
      if (next === null) return
      offset = next
      window = Buffer.alloc(0)
      windowAt = offset
    }
  } finally {
    await handle.close()
  }
}
