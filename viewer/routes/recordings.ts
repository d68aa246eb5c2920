import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { create as contentDisposition } from 'content-disposition'
import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'
import type { Session } from '#services/schema/session.ts'
import { allow } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { exportEvidence } from '../playback/evidence-export.ts'
import { type ExportFormat, exportFormats } from '../playback/exports.ts'
import { sessionFrames } from '../playback/frames.ts'
import { replayIndex, replaySegment } from '../playback/segmented.ts'
import { parseInput, why } from './input.ts'
import { sessionOf } from './sessions.ts'

const contentFormats = Object.keys(exportFormats) as [ExportFormat, ...ExportFormat[]]
export const ExportQuery = z.strictObject({
  format: z.enum([...contentFormats, 'evidence']),
  key: z.enum(['true', 'false']).optional(), // of evidence: with the key that its content is encrypted under
  ...why,
})
const IndexQuery = z.strictObject(why)

const SegmentQuery = z.strictObject({ lastSeq: z.coerce.number().int().nonnegative().optional(), ...why })

const requireRecording = (session: Session): void => {
  if (!session.recorded) throw new BartizanError('BTZ_NOT_FOUND', 'this session was seen, but not recorded')
}

/** Of the last batch that stands in evidence. @throws BTZ_NOT_FOUND */
const storedSeq = async (context: ViewerContext, sessionId: string): Promise<number> => {
  const last = (await context.catalog.blocks(sessionId)).at(-1)
  if (last) return last.lastSeq
  throw new BartizanError('BTZ_NOT_FOUND', 'nothing of this session is stored yet', {
    hint: 'the first block of a running session is stored within a minute',
  })
}

const send = (response: Response, pieces: AsyncIterable<string>): Promise<void> =>
  pipeline(Readable.from(joined(pieces), { objectMode: false }), response)

/** Many small strings become few writes. */
async function* joined(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let held = ''
  for await (const piece of pieces) {
    held += piece
    if (held.length < 64 * 1024) continue
    yield held
    held = ''
  }
  if (held) yield held
}

/** The player asks for what the index names, and sends no header of ours with it. */
const segmentUrl = (lastSeq: number, reason: string | undefined): string =>
  `0.json?${new URLSearchParams({ lastSeq: String(lastSeq), ...(reason !== undefined && { reason }) })}`

/** Replay and export: content of a session. Each is audited, durably, before its first byte is sent. */
export const recordingRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const recorded = async (request: Request): Promise<{ session: Session; lastSeq: number }> => {
    const session = await sessionOf(context, request.params.id)
    requireRecording(session)
    return { session, lastSeq: await storedSeq(context, session.id) }
  }
  const audited = async (request: Request, response: Response, action: string) => {
    const { session, lastSeq } = await recorded(request)
    const reason = await context.content.enter(request, response, session, { action })
    response.setHeader('Cache-Control', 'no-store')
    return { session, lastSeq, reason }
  }

  /** Without the key it shows nothing of what was recorded, and is there for what was erased, too. */
  const evidence = async (request: Request, response: Response, withKey: boolean): Promise<void> => {
    const session = await sessionOf(context, request.params.id)
    requireRecording(session)
    await context.content.enterSession(request, response, session, { action: 'session.export.evidence' })
    if (withKey) await context.content.enter(request, response, session, { action: 'session.export.key' })
    const pieces = await exportEvidence(context, session, withKey)
    response.setHeader('Cache-Control', 'no-store')
    response.type('application/x-tar')
    response.setHeader('Content-Disposition', contentDisposition(`${session.id}.tar`))
    await pipeline(Readable.from(pieces, { objectMode: false }), response)
  }

  // Whether there is something to play, asked by an open page until there is: no content, so no audit.
  router.head('/api/sessions/:id/replay/index.json', allow('session.replay'), async (request, response) => {
    await recorded(request)
    response.status(200).end()
  })

  router.get('/api/sessions/:id/replay/index.json', allow('session.replay'), async (request, response) => {
    parseInput(IndexQuery, request.query)
    const { session, lastSeq, reason } = await audited(request, response, 'session.replay')
    const frames = sessionFrames(context, session.id, lastSeq)
    response.json(await replayIndex(session, frames, segmentUrl(lastSeq, reason)))
  })

  router.get('/api/sessions/:id/replay/0.json', allow('session.replay'), async (request, response) => {
    const { lastSeq } = parseInput(SegmentQuery, request.query)
    const { session } = await audited(request, response, 'session.replay.segment')
    response.type('application/json')
    await send(response, replaySegment(session, sessionFrames(context, session.id, lastSeq)))
  })

  router.get('/api/sessions/:id/export', allow('session.export'), async (request, response) => {
    const { format, key } = parseInput(ExportQuery, request.query)
    if (format === 'evidence') return evidence(request, response, key === 'true')
    if (key !== undefined) throw new BartizanError('BTZ_REQUEST_INVALID', 'only evidence comes with a key')
    const { session } = await audited(request, response, `session.export.${format}`)
    const { write, contentType, extension } = exportFormats[format]
    response.type(contentType)
    response.setHeader('Content-Disposition', contentDisposition(`${session.id}.${extension}`))
    await send(response, write(session, sessionFrames(context, session.id)))
  })
  return router
}
