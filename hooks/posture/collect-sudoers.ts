import { posix } from 'node:path'
import type { Look } from './look.ts'
import { readSudoers, type SudoDefault } from './read/sudoers.ts'
import { type Read, seen, unseen } from './verdict.ts'

const maxDepth = 128 // sudo's own (sudoers(5), Including other files)
const maxFiles = 500

/** sudo skips what an editor or a package manager left behind (sudoers(5), @includedir). */
const isIncluded = (name: string): boolean => !name.includes('.') && !name.endsWith('~')

/** All Defaults in the order in which sudo reads them. An unread part of the policy leaves it unknown. */
export const collectSudoers = async (look: Look, host: string): Promise<Read<SudoDefault[]>> => {
  let files = 0
  const filesOf = async (path: string, isFolder: boolean): Promise<Read<string[]>> => {
    if (!isFolder) return seen([path])
    const names = await look.names(path)
    // sudo goes on without a folder that is not there; where it cannot be read, neither does it.
    if (!names.ok) return names.reason.endsWith('is not there') ? seen([]) : names
    return seen(names.value.filter(isIncluded).map((name) => posix.join(path, name)))
  }
  const readOne = async (path: string, depth: number): Promise<Read<SudoDefault[]>> => {
    files += 1
    if (depth > maxDepth || files > maxFiles) return unseen(`${path}: sudoers includes too much`)
    const read = await look.text(path)
    if (!read.ok) return read
    const { defaults, includes } = readSudoers(read.value.text)
    const all: SudoDefault[] = []
    let taken = 0
    const takeTo = (end: number) => {
      all.push(...defaults.slice(taken, end).map((each) => ({ ...each, file: path })))
      taken = end
    }
    for (const { path: written, isFolder, at } of includes) {
      takeTo(at)
      const absolute = posix.resolve(posix.dirname(path), written.replaceAll('%h', host))
      const included = await filesOf(absolute, isFolder)
      if (!included.ok) return included
      for (const file of included.value) {
        const inner = await readOne(file, depth + 1)
        if (!inner.ok) return inner
        all.push(...inner.value)
      }
    }
    takeTo(defaults.length)
    return seen(all)
  }
  return readOne('/etc/sudoers', 0)
}
