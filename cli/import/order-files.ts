import { createSshdLog } from '#hooks/openssh/sshd-log.ts'
import { readLines, type Source } from './read-lines.ts'

/** Rotated logs are given in any order and read in the order of their first lines. */

const maxLines = 10_000

export type LogFile = Source & { file: string }

const firstMs = async ({ file, modifiedMs }: LogFile, zone: string): Promise<number> => {
  const parser = createSshdLog({ bastion: 'any', zone, notAfterMs: () => modifiedMs })
  for await (const lines of readLines(file, () => undefined)) {
    for (const { text } of lines) {
      const before = parser.counts.sshdLines
      parser.take(text)
      const { lastMs } = parser.snapshot()
      if (parser.counts.sshdLines > before && lastMs !== null) return lastMs
      if (parser.counts.lines >= maxLines) return Number.POSITIVE_INFINITY
    }
  }
  return Number.POSITIVE_INFINITY
}

/** Those of equal times, and standard input, stay in the order in which they were given. @throws BTZ_IMPORT_FAILED */
export const orderFiles = async (files: readonly LogFile[], zone: string): Promise<LogFile[]> => {
  if (files.length < 2) return [...files]
  const timed: { file: LogFile; ms: number }[] = []
  for (const file of files) {
    timed.push({ file, ms: file.file === '-' ? Number.POSITIVE_INFINITY : await firstMs(file, zone) })
  }
  return timed.toSorted((a, b) => (a.ms === b.ms ? 0 : a.ms < b.ms ? -1 : 1)).map(({ file }) => file)
}
