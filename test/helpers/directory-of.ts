import { compileDirectory } from '#detectors/directory/compile-directory.ts'
import type { Directory } from '#detectors/directory/directory.ts'
import { readTables } from '#detectors/directory/read-tables.ts'

/** A directory of these tables, of which every row has to be good. */
export const directoryOf = (raw: Record<string, unknown>): Directory => {
  const read = readTables(raw)
  if (read.refusedCount > 0) throw new Error(`rows refused: ${JSON.stringify(read.refusals)}`)
  return compileDirectory(read)
}
