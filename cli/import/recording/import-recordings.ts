import { join } from 'node:path'
import { loadIdentity } from '#services/access/identity.ts'
import type { Config } from '#services/config.ts'
import { type BartizanError, hasCode } from '#services/errors.ts'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import type { Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import type { ImportedRecordings } from '#services/schema/recording-upload.ts'
import type { Post } from '../post.ts'
import { findRecordings } from './find.ts'
import { type FormatName, recordingFormats } from './formats.ts'
import { type Given, type ImportContext, importOne, type Outcome } from './one-recording.ts'
import { createOutbox } from './outbox.ts'
import { registerKey } from './register-key.ts'
import { createSource } from './source.ts'

const maxNamed = 1_000

export type RecordingsOptions = {
  paths: readonly string[]
  format: FormatName
  given: Given
  bastion: string
  config: Config
  post: Post
  /** Unpacked bytes of one recording: a few packed ones must not become any number of others. */
  maxBytes: number
  /** Who does it, for whoever finds the folder locked. */
  who: string
  log: Logger
  onProgress: (progress: { doneBytes: number; totalBytes: number; sessions: number }) => void
}
const withHint = ({ message, hint }: BartizanError): string => (hint === undefined ? message : `${message}; ${hint}`)

const importAll = async (context: ImportContext, options: RecordingsOptions): Promise<ImportedRecordings> => {
  const { format } = context
  const imported: ImportedRecordings = {
    ...{ files: 0, sessions: 0, unchanged: 0, events: {} },
    ...{ incomplete: [], rejected: [], rejectedMore: 0 },
  }
  const reject = (file: string, reason: string): void => {
    if (imported.rejected.length < maxNamed) imported.rejected.push({ file, line: 0, reason })
    else imported.rejectedMore++
  }
  const count = (file: string, { isNew, events, incomplete }: Outcome): void => {
    imported.sessions++
    if (!isNew) imported.unchanged++
    for (const [kind, number] of Object.entries(events)) imported.events[kind] = (imported.events[kind] ?? 0) + number
    if (incomplete !== null && imported.incomplete.length < maxNamed)
      imported.incomplete.push({ file, reason: incomplete })
  }
  let totalBytes = 0
  for await (const file of findRecordings(options.paths, format))
    totalBytes += createSource(file, format, context.maxBytes).sizeBytes()
  let doneBytes = 0
  const onRead = (bytes: number): void => {
    doneBytes += bytes
    options.onProgress({ doneBytes, totalBytes, sessions: imported.sessions })
  }
  await context.outbox.sendLeftOver((sessionId, reason) => reject(sessionId, reason))
  for await (const file of findRecordings(options.paths, format)) {
    imported.files++
    try {
      count(file, await importOne(context, file, onRead))
    } catch (error) {
      if (!hasCode(error, 'BTZ_IMPORT_FAILED')) throw error
      reject(file, withHint(error as BartizanError))
    }
  }
  return imported
}

/** Files that other recorders made → sealed sessions of the running instance. @throws BTZ_* */
export const importRecordings = async (options: RecordingsOptions): Promise<ImportedRecordings> => {
  const { format: name, given, bastion, config, post, maxBytes, who, log } = options
  const folder = join(config.data, 'import')
  await makeFolder(folder)
  const lock = await acquireLock(join(folder, 'lock.db'), { pid: process.pid, what: who })
  try {
    const identity = await loadIdentity(folder, log)
    await registerKey(post, bastion, identity)
    const outbox = await createOutbox(folder, post)
    const format = recordingFormats[name]
    return await importAll({ name, format, maxBytes, given, bastion, config: config.agent, outbox, identity }, options)
  } finally {
    await lock.release()
  }
}
