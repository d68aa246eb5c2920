import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { LineSource, OnLines, SourceProblem } from './line-source.ts'
import { createLineSplitter, type LineSplitter, type SplitLine } from './line-splitter.ts'
import {
  type FilePosition,
  findLog,
  type Head,
  hasHead,
  headOf,
  isWholeHead,
  lookAt,
  rotatedSince,
} from './log-file.ts'

const chunkBytes = 262_144
const everyMs = 50
const unreadableEveryMs = 1000

export type FollowFileOptions = {
  path: string
  /** null: from its beginning. */
  from: FilePosition | null
  onProblem: (problem: SourceProblem) => void
}

type Open = { handle: FileHandle; device: number; inode: number; readBytes: number; head: Head; lines: LineSplitter }

/**
 * Lines of a log as it grows: over rename and create, copy and truncate, and while it is not there. What was renamed is
 * read to its end before what came after it.
 */
export const followFile = ({ path, from, onProblem }: FollowFileOptions): LineSource => {
  const closing = new AbortController()
  const buffer = Buffer.alloc(chunkBytes)
  let running: Promise<void> = Promise.resolve()
  let log: Open | null = null
  let delivered = from

  const pause = (ms: number): Promise<unknown> => wait(ms, undefined, { signal: closing.signal }).catch(() => undefined)

  const openAt = async (file: string, offset: number): Promise<Open | null> => {
    if ((await lookAt(file)) === null) return null
    const handle = await open(file)
    const { dev, ino } = await handle.stat()
    const head = await headOf(handle, offset)
    return { handle, device: dev, inode: ino, readBytes: offset, head, lines: createLineSplitter(offset) }
  }

  const deliver = async (opened: Open, lines: SplitLine[], onLines: OnLines): Promise<void> => {
    const last = lines.at(-1)
    if (!last || closing.signal.aborted) return
    for (const { cutBytes } of lines)
      if (cutBytes > 0) onProblem({ reason: 'line_cut', detail: `${path}: a line over 64 KiB`, bytes: cutBytes })
    if (!isWholeHead(opened.head)) opened.head = await headOf(opened.handle, last.end)
    const { device, inode, head } = opened
    const position = {
      kind: 'file',
      device,
      inode,
      offset: last.end,
      headBytes: head.bytes,
      headHash: head.hash,
    } as const
    try {
      await onLines(
        lines.map(({ text }) => text),
        position,
      )
      delivered = position
    } catch (error) {
      closing.abort()
      onProblem({ reason: 'stopped', detail: `${path}: ${String(error)}` })
    }
  }

  /** One chunk; false: at its end. A file that was written anew is at its end too. */
  const advance = async (opened: Open, onLines: OnLines): Promise<boolean> => {
    const { bytesRead } = await opened.handle.read(buffer, 0, chunkBytes, opened.readBytes)
    if (bytesRead === 0 || !(await hasHead(opened.handle, opened.head))) return false
    opened.readBytes += bytesRead
    await deliver(opened, opened.lines.push(buffer.subarray(0, bytesRead)), onLines)
    return !closing.signal.aborted
  }

  const toEnd = async (opened: Open, onLines: OnLines): Promise<void> => {
    while (await advance(opened, onLines));
    const rest = closing.signal.aborted ? null : opened.lines.rest()
    if (rest) await deliver(opened, [rest], onLines)
  }

  const readWhole = async (file: string, offset: number, onLines: OnLines, lines?: LineSplitter): Promise<void> => {
    const opened = await openAt(file, offset)
    if (opened === null) return
    try {
      await toEnd(lines ? { ...opened, lines } : opened, onLines)
    } finally {
      await opened.handle.close()
    }
  }

  /** The log was renamed and another has its name: that one is read from its beginning, after all that was in between. */
  const goOn = async (old: Open, onLines: OnLines): Promise<void> => {
    await toEnd(old, onLines)
    const { mtimeMs } = await old.handle.stat()
    for (const file of await rotatedSince(path, { ...old, mtimeMs })) await readWhole(file.path, 0, onLines)
    if (closing.signal.aborted) return
    await old.handle.close()
    log = null // opened anew
  }

  /** The log was emptied, perhaps after it was copied: what was not read yet may be in the copy. */
  const startAnew = async (emptied: Open, onLines: OnLines): Promise<void> => {
    const { readBytes: offset, head, inode, lines } = emptied
    const copy = head.bytes === 0 ? null : await findLog(path, { offset, head, not: inode })
    if (copy) await readWhole(copy.path, offset, onLines, lines)
    else if (lines.rest()) onProblem({ reason: 'data_lost', detail: `${path}: emptied behind half a line` })
    const head0 = await headOf(emptied.handle, 0)
    Object.assign(emptied, { readBytes: 0, head: head0, lines: createLineSplitter(0) })
  }

  const wasEmptied = async ({ handle, readBytes, head }: Open): Promise<boolean> =>
    (await handle.stat()).size < readBytes || !(await hasHead(handle, head))

  const step = async (onLines: OnLines): Promise<void> => {
    log ??= await openAt(path, 0)
    if (log === null) return void (await pause(everyMs))
    if (await advance(log, onLines)) return
    if (await wasEmptied(log)) return startAnew(log, onLines)
    const now = await lookAt(path)
    const replaced = now !== null && (now.inode !== log.inode || now.device !== log.device)
    // Its writer may go on with the renamed one for a while: until the new one has something.
    if (replaced && now.sizeBytes > 0) await goOn(log, onLines)
    else await pause(everyMs)
  }

  const resume = async (position: FilePosition, onLines: OnLines): Promise<void> => {
    const { offset, headBytes, headHash } = position
    const found = await findLog(path, { offset, head: { bytes: headBytes, hash: headHash } })
    if (found === null) {
      onProblem({
        reason: 'data_lost',
        detail: `${path}: the file that was read last is gone; read from its beginning`,
      })
      return
    }
    if (found.path === path) {
      log = await openAt(path, offset)
      return
    }
    await readWhole(found.path, offset, onLines)
    for (const file of await rotatedSince(path, found)) await readWhole(file.path, 0, onLines)
  }

  const reset = async (): Promise<void> => {
    await log?.handle.close().catch(() => undefined)
    log = null
  }

  const run = async (onLines: OnLines): Promise<void> => {
    let resumes = delivered !== null
    let said = ''
    while (!closing.signal.aborted) {
      try {
        if (resumes && delivered) await resume(delivered, onLines)
        resumes = false
        await step(onLines)
        if (said !== '') onProblem({ reason: 'readable', detail: `${path}: it can be read again` })
        said = ''
      } catch (error) {
        const detail = `${path}: ${String(error)}`
        if (detail !== said) onProblem({ reason: 'unreadable', detail })
        said = detail
        await reset()
        resumes = delivered !== null
        await pause(unreadableEveryMs)
      }
    }
  }
  return {
    start: async (onLines) => {
      running = run(onLines)
    },
    close: async () => {
      closing.abort()
      await running
      await reset()
    },
  }
}
