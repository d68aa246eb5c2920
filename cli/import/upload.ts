import { realpath } from 'node:fs/promises'
import type { RecordingUploads, UploadedRecording } from '#ingest/receiver/recording-uploads.ts'
import { type RegisterImportKeyOptions, registerImportKey } from '#ingest/receiver/register-import-key.ts'
import type { Sender } from '#ingest/receiver/sender.ts'
import { takeBatches } from '#ingest/receiver/take-batches.ts'
import { takeEvents } from '#ingest/receiver/take-events.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Config } from '#services/config.ts'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { ImportedRecordings } from '#services/schema/recording-upload.ts'
import type { Post, Upload } from './post.ts'
import { importRecordings } from './recording/import-recordings.ts'
import { givenOf } from './recording/one-recording.ts'

export type UploadImportOptions = RegisterImportKeyOptions & {
  bus: Pick<Bus, 'produce' | 'maxRecordBytes'>
  config: Config
  log: Logger
}

const bytesOf = ({ body }: Upload): Buffer =>
  typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength)

/** The receiver's own ends of the paths that an import posts to. Who may write was decided before it began. */
const postWithin = (options: UploadImportOptions): Post => {
  const { bus, clock } = options
  const sender: Sender = { mayWriteFor: () => true, bastion: null, relay: null }
  const ends: Record<string, (body: Buffer) => Promise<unknown>> = {
    '/api/ingest/batches': async (body) => (await takeBatches(bus, sender, body)).answer,
    '/api/ingest/events': (body) => takeEvents(bus, sender, body, clock.now()),
    '/api/ingest/signing-keys': (body) => registerImportKey(options, sender, body),
  }
  return async (upload) => ends[upload.path]!(bytesOf(upload))
}

/** Of this upload alone; `path` is nobody's business. @throws BTZ_IMPORT_FAILED */
const answerOf = (imported: ImportedRecordings, path: string, log: Logger): ImportedRecordings => {
  const named = (reason: string): string => reason.replaceAll(path, 'the body')
  for (const { file, reason } of imported.rejected)
    if (file !== path) log.warn({ sessionId: file, reason }, 'what an import before left behind was refused')
  const refused = imported.rejected.find(({ file }) => file === path)
  if (imported.sessions === 0) throw new BartizanError('BTZ_IMPORT_FAILED', named(refused?.reason ?? 'it was refused'))
  const incomplete = imported.incomplete.map(({ reason }) => ({ file: 'the body', reason: named(reason) }))
  return { ...imported, incomplete, rejected: [], rejectedMore: 0 }
}

/** What `bartizan import` does, in the receiver: same ids, same key, same outbox; one recording after the other. */
export const createUploadImport = (options: UploadImportOptions): RecordingUploads['importRecording'] => {
  const { config, log } = options
  const post = postWithin(options)
  const importOne = async ({ file, format, bastion, ...given }: UploadedRecording): Promise<ImportedRecordings> => {
    const path = await realpath(file)
    const imported = await importRecordings({
      ...{ paths: [path], format, bastion, config, post, log, given: givenOf(given) },
      who: 'an import of an uploaded recording',
      maxBytes: config.ingest.maxRecordingBytes,
      onProgress: () => undefined,
    })
    return answerOf(imported, path, log)
  }
  let last: Promise<unknown> = Promise.resolve()
  return (recording) => {
    const importing = last
      .then(() => importOne(recording))
      .catch((error: unknown) => {
        if (!hasCode(error, 'BTZ_DATA_LOCKED')) throw error
        throw new BartizanError('BTZ_UNAVAILABLE', '`bartizan import` runs on this receiver', { cause: error })
      })
    last = importing.catch(() => undefined)
    return importing
  }
}
