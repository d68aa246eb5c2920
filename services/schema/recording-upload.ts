import { z } from 'zod'
import { BastionName } from './ids.ts'

const earliestStartMs = Date.UTC(1970, 0, 2)

/** POST /api/ingest/recordings, with one recording as the body; whatever is given goes before what it says itself. */
export const RecordingQuery = z.strictObject({
  format: z.enum(['asciicast', 'ttyrec']),
  /** The host it is from; absent: the one of the token. */
  bastion: BastionName.optional(),
  user: z.string().min(1).max(253).optional(),
  target: BastionName.optional(),
  /** When it began. */
  start: z.iso
    .datetime({ offset: true })
    .transform((text) => Date.parse(text))
    .refine((atMs) => atMs >= earliestStartMs, 'too early')
    .optional(),
})
export type RecordingQuery = z.infer<typeof RecordingQuery>

const Named = z.object({ file: z.string(), reason: z.string() })

/** What became of recordings that were imported. */
export const ImportedRecordings = z.object({
  files: z.number().int(),
  sessions: z.number().int(),
  /** Of the sessions: those that an earlier import sent. */
  unchanged: z.number().int(),
  events: z.record(z.string(), z.number().int()),
  /** Sessions of which the file holds less than there was. */
  incomplete: z.array(Named),
  rejected: z.array(Named.extend({ line: z.number().int() })),
  /** Beyond the first thousand. */
  rejectedMore: z.number().int(),
})
export type ImportedRecordings = z.infer<typeof ImportedRecordings>

/** GET /api/ingest/recordings/jobs/{id}; `problem`: as the error of a request, RFC 9457. */
export const RecordingJob = z.object({
  id: z.uuid(),
  state: z.enum(['running', 'done', 'failed']),
  result: ImportedRecordings.optional(),
  problem: z.looseObject({ code: z.string(), detail: z.string() }).optional(),
})
export type RecordingJob = z.infer<typeof RecordingJob>
