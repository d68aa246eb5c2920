import { hash } from 'node:crypto'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Position } from './line-source.ts'

/** A log as a file that may be renamed, copied, emptied and written anew. */

export type FilePosition = Extract<Position, { kind: 'file' }>
/** The first bytes of a log: an inode number and a size may come again, these do not. */
export type Head = { bytes: number; hash: string }

const maxHeadBytes = 1024
const compressed = /\.(gz|xz|zst|bz2|lz4)$/
const maxSiblings = 1000

const readAt = async (handle: FileHandle, bytes: number): Promise<Buffer> => {
  if (bytes === 0) return Buffer.alloc(0)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0)
  return buffer.subarray(0, bytesRead)
}

export const headOf = async (handle: FileHandle, upTo: number): Promise<Head> => {
  const bytes = await readAt(handle, Math.min(upTo, maxHeadBytes))
  return { bytes: bytes.length, hash: hash('sha256', bytes) }
}

export const hasHead = async (handle: FileHandle, head: Head): Promise<boolean> => {
  const bytes = await readAt(handle, head.bytes)
  return bytes.length === head.bytes && hash('sha256', bytes) === head.hash
}

export const isWholeHead = (head: Head): boolean => head.bytes === maxHeadBytes

export type LogFile = { path: string; device: number; inode: number; sizeBytes: number; mtimeMs: number }

/** null: there is no such file, or it is none (a folder, a pipe). @throws what stat(2) says otherwise */
export const lookAt = async (path: string): Promise<LogFile | null> => {
  try {
    const found = await stat(path)
    const { dev, ino, size, mtimeMs } = found
    return found.isFile() ? { path, device: dev, inode: ino, sizeBytes: size, mtimeMs } : null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Rotated copies beside a log that can still be read, oldest first. */
const rotated = async (path: string): Promise<LogFile[]> => {
  const folder = dirname(path)
  const base = basename(path)
  const names = await readdir(folder).catch(() => [])
  const similar = names.filter((name) => name.startsWith(base) && name !== base && !compressed.test(name))
  const files = await Promise.all(
    similar.slice(0, maxSiblings).map((name) => lookAt(join(folder, name)).catch(() => null)),
  )
  return files.filter((file) => file !== null).sort((a, b) => a.mtimeMs - b.mtimeMs)
}

const holds = async (file: LogFile, { offset, head }: { offset: number; head: Head }): Promise<boolean> => {
  if (file.sizeBytes < offset) return false
  const handle = await open(file.path).catch(() => null)
  if (handle === null) return false
  try {
    return await hasHead(handle, head)
  } finally {
    await handle.close()
  }
}

/** The file that a position is in, by what it begins with: at its path, renamed or copied. null: gone. */
export const findLog = async (
  path: string,
  at: { offset: number; head: Head; not?: number },
): Promise<LogFile | null> => {
  const current = await lookAt(path)
  for (const file of [...(current ? [current] : []), ...(await rotated(path)).reverse()])
    if (file.inode !== at.not && (await holds(file, at))) return file
  return null
}

/** What was rotated after a log was, oldest first. Clocks of files are coarse: one of the same moment counts as later. */
export const rotatedSince = async (
  path: string,
  log: Pick<LogFile, 'device' | 'inode' | 'mtimeMs'>,
): Promise<LogFile[]> => {
  const current = await lookAt(path)
  return (await rotated(path)).filter(
    ({ inode, mtimeMs }) => inode !== log.inode && inode !== current?.inode && mtimeMs >= log.mtimeMs,
  )
}
