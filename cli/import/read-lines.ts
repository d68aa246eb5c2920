import { stat } from 'node:fs/promises'
import { createLineSplitter, type SplitLine } from '#hooks/openssh/line-splitter.ts'
import { BartizanError } from '#services/errors.ts'
import { readBytes, unreadable } from './read-bytes.ts'

/** Lines of a file or of standard input (`-`). */

export type Source = { sizeBytes: number; modifiedMs: number }

/** @throws BTZ_IMPORT_FAILED */
export const sourceOf = async (file: string): Promise<Source> => {
  if (file === '-') return { sizeBytes: 0, modifiedMs: Date.now() }
  const found = await stat(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  if (!found.isDirectory()) return { sizeBytes: found.size, modifiedMs: found.mtimeMs }
  throw new BartizanError('BTZ_IMPORT_FAILED', `${file} is a folder`)
}

/** Some lines at a time. `onRead`: packed bytes. @throws BTZ_IMPORT_FAILED */
export async function* readLines(file: string, onRead: (bytes: number) => void): AsyncGenerator<SplitLine[]> {
  const splitter = createLineSplitter(0)
  for await (const chunk of readBytes(file, onRead)) yield splitter.push(chunk)
  const rest = splitter.rest()
  if (rest) yield [rest]
}
