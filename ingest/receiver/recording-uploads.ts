import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Request, type Response, Router } from 'express'
import { Counter, type Registry } from 'prom-client'
import { z } from 'zod'
import { BartizanError, hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import { type ImportedRecordings, RecordingQuery } from '#services/schema/recording-upload.ts'
import { unpackedBody } from './read-body.ts'
import { createRecordingJobs } from './recording-jobs.ts'
import type { Identify, Sender } from './sender.ts'
import { emptyFolder, writeStaged } from './staged-upload.ts'
import { createUploadSlots, type UploadSlot } from './upload-slots.ts'

export type UploadedRecording = Omit<RecordingQuery, 'bastion'> & { file: string; bastion: string }
export type RecordingUploads = {
  /** Of bodies until they are imported: of this receiver alone, emptied at its start. */
  folder: string
  /** `maxBytes`: of a recording, unpacked. `soonBytes`: up to here its request waits for the import, so long. */
  limits: { maxBytes: number; soonBytes: number; soonMs: number }
  /** Resolves when all of it is durable on the bus. @throws BTZ_IMPORT_FAILED where it is no such recording */
  importRecording: (recording: UploadedRecording) => Promise<ImportedRecordings>
  identify: Identify
  log: Logger
  registry: Registry
}

const path = '/api/ingest/recordings'
const atOnce = { small: 4, large: 2 }
const retryAfterSeconds = 30

/** @throws BTZ_MEDIA_UNSUPPORTED BTZ_REQUEST_INVALID BTZ_FORBIDDEN */
const askedOf = ({ query }: Request, sender: Sender): Omit<UploadedRecording, 'file'> => {
  if (query.format === 'sudo-iolog')
    throw new BartizanError('BTZ_MEDIA_UNSUPPORTED', 'a log of sudo is a folder of several files, and a body is one', {
      hint: '`bartizan import --format sudo-iolog` on the server takes it',
    })
  const asked = RecordingQuery.safeParse(query)
  if (!asked.success) throw new BartizanError('BTZ_REQUEST_INVALID', z.prettifyError(asked.error).slice(0, 2000))
  const bastion = asked.data.bastion ?? sender.bastion
  if (bastion === null)
    throw new BartizanError('BTZ_REQUEST_INVALID', 'the token is of no bastion', { hint: 'say which with bastion=' })
  if (sender.mayWriteFor(bastion)) return { ...asked.data, bastion }
  throw new BartizanError('BTZ_FORBIDDEN', `the token may not write for bastion ${bastion}`)
}

const endsWithin = async (work: Promise<unknown>, ms: number): Promise<boolean> => {
  const ended = new AbortController()
  const over = sleep(ms, false, { signal: ended.signal }).catch(() => false)
  const done = work.then(
    () => true,
    () => true,
  )
  return Promise.race([done, over]).finally(() => ended.abort())
}

/** Recordings of other recorders as bodies of requests; a large one is imported after its answer. */
export const createRecordingUploads = (options: RecordingUploads): Router => {
  const { folder, limits, importRecording, identify, log, registry } = options
  const imports = new Counter({
    ...{ name: 'bartizan_receiver_recordings_total', help: 'recordings that were uploaded' },
    ...{ labelNames: ['outcome'] as const, registers: [registry] },
  })
  const slots = createUploadSlots(atOnce)
  const jobs = createRecordingJobs()
  let emptied = emptyFolder(folder)
  emptied.catch((err: unknown) => log.error({ err }, 'the folder of uploads cannot be used'))

  const receive = async (request: Request, file: string, slot: UploadSlot): Promise<void> => {
    const growAt = (bytes: number): void => {
      if (bytes > limits.soonBytes) slot.grow()
    }
    growAt(Number(request.headers['content-length'] ?? 0))
    emptied = emptied.catch(() => emptyFolder(folder))
    await emptied
    await writeStaged(file, unpackedBody(request, limits.maxBytes, 'import it on the server'), growAt)
  }
  const stage = async (request: Request, file: string): Promise<UploadSlot> => {
    const slot = slots.enter()
    try {
      await receive(request, file, slot)
      return slot
    } catch (error) {
      slot.free()
      imports.inc({ outcome: 'refused' })
      throw error
    }
  }
  const importStaged = async (recording: UploadedRecording, slot: UploadSlot): Promise<ImportedRecordings> => {
    const { bastion, file, format } = recording
    try {
      const imported = await importRecording(recording)
      imports.inc({ outcome: 'imported' })
      log.info({ bastion, format, unchanged: imported.unchanged }, 'an uploaded recording was imported')
      return imported
    } catch (err) {
      imports.inc({ outcome: 'failed' })
      log.warn({ err, bastion, format }, 'an uploaded recording was not imported')
      throw err
    } finally {
      await rm(file, { force: true })
      slot.free()
    }
  }
  const post = async (request: Request, response: Response): Promise<void> => {
    const asked = askedOf(request, await identify(request))
    const file = join(folder, randomUUID())
    const slot = await stage(request, file).catch((error: unknown) => {
      if (hasCode(error, 'BTZ_TOO_MANY_REQUESTS')) response.set('Retry-After', String(retryAfterSeconds))
      throw error
    })
    const importing = importStaged({ ...asked, file }, slot)
    if (!slot.isLarge() && (await endsWithin(importing, limits.soonMs))) return void response.json(await importing)
    const job = jobs.add(asked.bastion, importing)
    response.status(202).location(`${path}/jobs/${job.id}`).json(job)
  }

  const router = Router()
  router.post(path, post)
  router.get(`${path}/jobs/:id`, async (request, response) => {
    const { mayWriteFor } = await identify(request)
    response.set('Cache-Control', 'no-store').json(jobs.find(String(request.params.id), mayWriteFor))
  })
  return router
}
