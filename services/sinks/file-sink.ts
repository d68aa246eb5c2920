import { type FileHandle, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../durable-file.ts'
import { makeFolder } from '../make-folder.ts'
import type { FileSinkSettings } from '../schema/sink-settings.ts'
import { type Format, type FormatContext, type Sink, SinkUnavailable } from './sink.ts'

const newline = 0x0a
const searchBytes = 64 * 1024

/** Where the last whole line ends. A crash in the middle of a write leaves a torn one, which comes again whole. */
const wholeLinesEnd = async (handle: FileHandle): Promise<number> => {
  const block = Buffer.alloc(searchBytes)
  let end = (await handle.stat()).size
  while (end > 0) {
    const from = Math.max(0, end - searchBytes)
    const { bytesRead } = await handle.read(block, 0, end - from, from)
    const at = block.subarray(0, bytesRead).lastIndexOf(newline)
    if (at !== -1) return from + at + 1
    end = from
  }
  return 0
}

const openForAppend = async (path: string): Promise<{ handle: FileHandle; bytes: number }> => {
  await makeFolder(dirname(path))
  const repair = await open(path, 'a+', 0o600)
  try {
    const bytes = await wholeLinesEnd(repair)
    await repair.truncate(bytes)
    await repair.sync()
    await syncFolder(dirname(path))
    return { handle: repair, bytes }
  } catch (error) {
    await repair.close()
    throw error
  }
}

/** path → path.1 → path.2 …; the last one goes. */
const turnOver = async (path: string, files: number): Promise<void> => {
  for (let n = files - 1; n >= 0; n--) {
    const from = n === 0 ? path : `${path}.${n}`
    if (await stat(from).catch(() => null)) await rename(from, `${path}.${n + 1}`)
  }
  await syncFolder(dirname(path))
}

/** A line per item, synced before it counts as taken. Of this process alone. */
export const createFileSink = (
  { path, maxBytes, files }: FileSinkSettings,
  format: Format,
  about: () => FormatContext,
): Sink => {
  let opened: { handle: FileHandle; bytes: number } | null = null

  const closeFile = async (): Promise<void> => {
    const { handle } = opened ?? {}
    opened = null
    await handle?.close()
  }
  const append = async (text: Buffer): Promise<void> => {
    opened ??= await openForAppend(path)
    if (opened.bytes > 0 && opened.bytes + text.byteLength > maxBytes) {
      await closeFile()
      await turnOver(path, files)
      opened = await openForAppend(path)
    }
    const { handle } = opened
    await handle.appendFile(text)
    await handle.datasync()
    opened.bytes += text.byteLength
  }
  return {
    send: async (batch) => {
      const lines = Buffer.from(batch.map((numbered) => `${format(numbered, about())}\n`).join(''))
      try {
        await append(lines)
      } catch (cause) {
        // Opened again, which takes off what was half written.
        await closeFile().catch(() => {})
        throw new SinkUnavailable(`cannot be written: ${(cause as NodeJS.ErrnoException).code ?? 'error'}`, null, cause)
      }
      return { taken: batch.length }
    },
    close: closeFile,
  }
}
