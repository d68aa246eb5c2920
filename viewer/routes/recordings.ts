import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { create as contentDisposition } from 'content-disposition'
import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { exportEvidence } from '../playback/evidence-export.ts'
import { createTurns, exportLimits, stuckMs, transcriptLimits } from '../playback/export-turns.ts'
import { type ExportFormat, exportFormats } from '../playback/exports.ts'
import { sessionFrames } from '../playback/frames.ts'
import { nothingStored } from '../playback/replay-plans.ts'
import { parseInput, why } from './input.ts'
import { requireRecording } from './replay.ts'
import { cutWhenStuck, send } from './send.ts'
import { sessionOf } from './sessions.ts'

const contentFormats = Object.keys(exportFormats) as [ExportFormat, ...ExportFormat[]]
export const ExportQuery = z.strictObject({
  format: z.enum([...contentFormats, 'evidence']),
  key: z.enum(['true', 'false']).optional(), // of evidence: with the key that its content is encrypted under
  ...why,
})

/** Exports: content of a session. Each is audited, durably, before its first byte is sent. */
export const recordingRoutes = (context: ViewerContext): Router => {
  const router = Router()
  const turns = createTurns('exports', exportLimits)
  const transcriptTurns = createTurns('transcripts', transcriptLimits)

  /** One of those that are made at once. @throws BTZ_TOO_MANY_REQUESTS */
  const inTurn = async (response: Response, isTranscript: boolean, run: () => Promise<void>): Promise<void> => {
    const { name } = principalOf(response)
    const giveBack = turns.take(name)
    try {
      const giveTranscriptBack = isTranscript ? transcriptTurns.take(name) : () => {}
      cutWhenStuck(response, stuckMs)
      await run().finally(giveTranscriptBack)
    } finally {
      giveBack()
    }
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

  const content = async (request: Request, response: Response, format: ExportFormat): Promise<void> => {
    const session = await sessionOf(context, request.params.id)
    requireRecording(session)
    if ((await context.catalog.blocks(session.id)).length === 0) throw nothingStored()
    await context.content.enter(request, response, session, { action: `session.export.${format}` })
    const { write, contentType, extension } = exportFormats[format]
    response.setHeader('Cache-Control', 'no-store')
    response.type(contentType)
    response.setHeader('Content-Disposition', contentDisposition(`${session.id}.${extension}`))
    await send(response, write(session, sessionFrames(context, session.id)))
  }

  router.get('/api/sessions/:id/export', allow('session.export'), async (request, response) => {
    const { format, key } = parseInput(ExportQuery, request.query)
    if (format !== 'evidence' && key !== undefined)
      throw new BartizanError('BTZ_REQUEST_INVALID', 'only evidence comes with a key')
    await inTurn(response, format === 'transcript', () =>
      format === 'evidence' ? evidence(request, response, key === 'true') : content(request, response, format),
    )
  })
  return router
}
