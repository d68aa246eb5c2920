import { constants } from 'node:fs'
import { type FileHandle, lstat, open, opendir, readlink, realpath } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { systemCode } from '#services/disk-error.ts'
import { type Read, seen, unseen } from './verdict.ts'

export type FileText = { text: string; changedAtMs: number }

/**
 * Looks at files below a root that others may have laid out to deceive: links lead no further than the root, as in
 * chroot(2); only regular files are opened, and never waited for; what is too large is refused, not cut.
 */
export type Look = {
  readonly root: string
  text(path: string, maxBytes?: number): Promise<Read<FileText>>
  /** Names in a folder, sorted. */
  names(path: string, maxNames?: number): Promise<Read<string[]>>
  changedAtMs(path: string): Promise<number | null>
}

const maxFileBytes = 1024 * 1024
const maxLinks = 40
const maxParts = 256

const reasonOf = (path: string, error: unknown): string => {
  const code = systemCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return `${path} is not there`
  return `${path} cannot be read${code === undefined ? '' : ` (${code})`}`
}

/** The path below `root` with every link followed inside of it; links are counted, so that loops end. */
const resolveBelow = async (root: string, path: string): Promise<string> => {
  let todo = path.split('/')
  let done = '/'
  for (let links = 0, parts = 0; todo.length > 0; parts++) {
    if (parts > maxParts + maxLinks * maxParts) throw new Error('too many parts')
    const [part, ...rest] = todo as [string, ...string[]]
    todo = rest
    if (part === '' || part === '.') continue
    const next = posix.join(done, part) // `..` at the top stays there
    if (part !== '..' && (await lstat(join(root, next))).isSymbolicLink()) {
      links += 1
      if (links > maxLinks) throw new Error('too many links')
      const target = await readlink(join(root, next))
      if (target.startsWith('/')) done = '/'
      todo = [...target.split('/').slice(0, maxParts), ...rest]
    } else done = next
  }
  return join(root, done)
}

const readUpTo = async (handle: FileHandle, maxBytes: number): Promise<string | null> => {
  const buffer = Buffer.alloc(maxBytes + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, Math.min(buffer.length - length, 65_536))
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length > maxBytes ? null : buffer.toString('utf8', 0, length)
}

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY

export const createLook = async (folder: string): Promise<Look> => {
  const root = await realpath(folder)
  /** A tree may change between the look at a link and the opening: what was opened tells where it is. */
  const isBelow = async (handle: FileHandle): Promise<boolean> =>
    root === '/' || (await readlink(`/proc/self/fd/${handle.fd}`)).startsWith(`${root}/`)

  const textOf = async (path: string, maxBytes: number): Promise<Read<FileText>> => {
    const file = await resolveBelow(root, path)
    if (!(await lstat(file)).isFile()) return unseen(`${path} is not a regular file`)
    const handle = await open(file, flags)
    try {
      const { size, mtimeMs } = await handle.stat()
      if (!(await handle.stat()).isFile() || !(await isBelow(handle))) return unseen(`${path} is not a regular file`)
      const text = size > maxBytes ? null : await readUpTo(handle, maxBytes)
      if (text === null) return unseen(`${path} is larger than ${maxBytes} bytes`)
      return seen({ text, changedAtMs: Math.floor(mtimeMs) })
    } finally {
      await handle.close()
    }
  }
  const namesOf = async (path: string, maxNames: number): Promise<Read<string[]>> => {
    const folder = await resolveBelow(root, path)
    if (!(await lstat(folder)).isDirectory()) return unseen(`${path} is not a folder`)
    const names: string[] = []
    for await (const { name } of await opendir(folder)) {
      if (names.push(name) > maxNames) return unseen(`${path} holds more than ${maxNames} names`)
    }
    return seen(names.sort())
  }
  return {
    root,
    text: (path, maxBytes = maxFileBytes) => textOf(path, maxBytes).catch((error) => unseen(reasonOf(path, error))),
    names: (path, maxNames = 20_000) => namesOf(path, maxNames).catch((error) => unseen(reasonOf(path, error))),
    changedAtMs: (path) =>
      resolveBelow(root, path).then(
        async (file) => Math.floor((await lstat(file)).mtimeMs),
        () => null,
      ),
  }
}
