import { diskError } from '../disk-error.ts'
import type { Logger } from '../log.ts'
import { createFileRecordingReader } from './file-recording-reader.ts'
import { createFileRecordingWriter } from './file-recording-writer.ts'
import type { RecordingStore } from './recording-store.ts'

const promiseOf = (immutable: boolean): string =>
  [
    'Evidence files are write-once against the application and an unprivileged user (if the files belong to another uid);',
    'tamper-evident (digest chain) against root; not WORM storage.',
    immutable
      ? 'Each is made immutable (chattr +i): root has to clear that flag first, and can.'
      : 'They are read-only (0444), which stops accidents: their owner and root can change that.',
    'Retention dates are kept and only grow, but nothing below Bartizan enforces them.',
  ].join(' ')

/**
 * Evidence in files: key `evidence/v1/…` is the path below `folder`. Other processes may put into it at the same time.
 * `immutable`: chattr +i on every file, where the system can; where it cannot, this is refused.
 * @throws BTZ_IMMUTABLE_UNAVAILABLE BTZ_DATA_UNWRITABLE BTZ_DISK_FULL
 */
export const createFileRecordingStore = async (options: {
  folder: string
  immutable: boolean
  log: Logger
}): Promise<RecordingStore> => {
  const { folder, immutable, log } = options
  const writer = await createFileRecordingWriter(folder, immutable).catch((error: unknown) => {
    throw diskError(error, `evidence in ${folder}`)
  })
  const promise = promiseOf(immutable)
  log.info({ folder, immutable }, promise)
  return { ...writer, ...createFileRecordingReader(folder), promise: () => promise, close: async () => {} }
}
