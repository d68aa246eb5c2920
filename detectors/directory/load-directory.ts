import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'
import { compileDirectory, emptyDirectory } from './compile-directory.ts'
import type { Directory } from './directory.ts'
import { readDirectoryFiles } from './read-files.ts'
import { readTables } from './read-tables.ts'

export type LoadedDirectory = { current(): Directory; close(): void }

/** Files that others write are looked at: watches of the system miss what is linked, mounted or renamed. */
const pollMs = 2_000

const signature = (file: string): string => {
  try {
    const { mtimeMs, size, ino } = statSync(file)
    return `${file} ${mtimeMs} ${size} ${ino}`
  } catch {
    return `${file} is not there`
  }
}
const signatureOf = (file: string): string => {
  const own = signature(file)
  try {
    return [own, ...readdirSync(file).map((name) => signature(join(file, name)))].join('\n')
  } catch {
    return own // a file, or not there
  }
}

const read = (file: string, log: Logger): Directory => {
  const startedMs = performance.now()
  const read = readTables(readDirectoryFiles(file))
  const directory = compileDirectory(read)
  const rows = Object.values(read.tables).reduce((sum, table) => sum + table.length, 0)
  const { refusals, refusedCount } = read
  log.info({ file, rows, refused: refusedCount, tookMs: Math.round(performance.now() - startedMs) }, 'directory read')
  for (const refusal of refusals) log.warn({ file, ...refusal }, 'directory: a row is left out')
  return directory
}

/**
 * The directory in `file` (YAML, JSON, or a folder of CSV files; none: nothing is known), read again when it has changed and
 * then stayed as it is for `settleMs`. One that cannot be read leaves the last good one in force.
 * @throws BTZ_DIRECTORY_INVALID at the start, when there is no good one
 */
export const loadDirectory = (options: {
  file: string | undefined
  log: Logger
  clock: Clock
  everyMs?: number
  settleMs?: number
}): LoadedDirectory => {
  const { file, log, clock, everyMs = pollMs, settleMs = pollMs } = options
  if (file === undefined) return { current: () => emptyDirectory, close: () => {} }
  let loaded = signatureOf(file)
  let current = read(file, log)
  let seen = loaded
  let sinceMs = clock.now()
  const look = (): void => {
    const now = signatureOf(file)
    if (now !== seen) sinceMs = clock.now()
    seen = now
    if (now === loaded || clock.now() - sinceMs < settleMs) return
    loaded = now
    try {
      current = read(file, log)
    } catch (error) {
      log.error({ err: error, file }, 'directory: the one before stays in force')
    }
  }
  const timer = setInterval(look, everyMs)
  timer.unref()
  return { current: () => current, close: () => clearInterval(timer) }
}
