import { join } from 'node:path'
import { loadIdentity } from '#services/access/identity.ts'
import type { Config } from '#services/config.ts'
import { type BartizanError, hasCode } from '#services/errors.ts'
import { acquireLock } from '#services/lock/sqlite-lock.ts'
import type { Logger } from '#services/log.ts'
import { makeFolder } from '#services/make-folder.ts'
import type { Instance } from '../../instance.ts'
import { findRecordings } from './find.ts'
import { type FormatName, recordingFormats } from './formats.ts'
import { type Given, type ImportContext, importOne, type Outcome } from './one-recording.ts'
import { createOutbox } from './outbox.ts'
import { registerKey } from './register-key.ts'
import { createSource } from './source.ts'

const maxNamed = 1_000

export type ImportedRecordings = {
  files: number
  sessions: number
  /** Of the sessions: those that an earlier import sent. */
  unchanged: number
  events: Record<string, number>
  /** Sessions of which the file holds less than there was. */
  incomplete: { file: string; reason: string }[]
  rejected: { file: string; line: number; reason: string }[]
  /** Beyond the first thousand. */
  rejectedMore: number
}
export type RecordingsOptions = {
  paths: readonly string[]
  format: FormatName
  given: Given
  bastion: string
  config: Config
  instance: Instance
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
  for await (const file of findRecordings(options.paths, format)) totalBytes += createSource(file, format).sizeBytes()
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
  const { format: name, given, bastion, config, instance, log } = options
  const folder = join(config.data, 'import')
  await makeFolder(folder)
  const lock = await acquireLock(join(folder, 'lock.db'), { pid: process.pid, what: 'bartizan import' })
  try {
    const identity = await loadIdentity(folder, log)
    await registerKey(instance, bastion, identity)
    const outbox = await createOutbox(folder, instance)
    const format = recordingFormats[name]
    return await importAll({ name, format, given, bastion, config: config.agent, outbox, identity }, options)
  } finally {
    await lock.release()
  }
}
