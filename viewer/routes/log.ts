import { Router } from 'express'
import { z } from 'zod'
import { BartizanError } from '#services/errors.ts'
import { createLogReader } from '#services/proofs/log-reader.ts'
import { formatVerifier } from '#services/proofs/note.ts'
import { parseTilePath } from '#services/proofs/tiles.ts'
import { Sha256Hex } from '#services/schema/ids.ts'
import { allow } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { parseInput } from './input.ts'

const LeafPath = z.strictObject({ id: Sha256Hex })
export const LeafPlace = z.object({ index: z.number() })

const noCheckpoint = () =>
  new BartizanError('BTZ_NOT_FOUND', 'the log has no checkpoint yet', {
    hint: 'the first one comes within a minute of the first session that ends',
  })

/** The transparency log as c2sp.org/tlog-tiles serves one: ids and hashes only, each byte as it stands in the store. */
export const logRoutes = ({ recordings, logVerifier }: ViewerContext): Router => {
  const router = Router()
  const reader = createLogReader(recordings, logVerifier)
  const key = `${formatVerifier(logVerifier)}\n`

  router.get('/api/log/key', allow('log.read'), (_request, response) => {
    response.type('text/plain').send(key)
  })
  router.get('/api/log/checkpoint', allow('log.read'), async (_request, response) => {
    const size = await reader.latestSize()
    if (size === null) throw noCheckpoint()
    response.setHeader('Cache-Control', 'no-cache')
    response.type('text/plain').send(Buffer.from(await reader.checkpoint(size)))
  })
  router.get('/api/log/tile/*path', allow('log.read'), async (request, response) => {
    const tile = parseTilePath(request.path.slice('/api/log/'.length))
    if (tile === null) throw new BartizanError('BTZ_NOT_FOUND', 'that is not the path of a tile')
    const bytes = await reader.tile(tile)
    response.setHeader('Cache-Control', 'private, max-age=31536000, immutable')
    response.type('application/octet-stream').send(Buffer.from(bytes))
  })
  router.get('/api/log/leaf/:id', allow('log.read'), async (request, response) => {
    const index = await reader.indexOf(parseInput(LeafPath, request.params).id)
    if (index === null) throw new BartizanError('BTZ_NOT_FOUND', 'the log has no such leaf')
    response.json({ index })
  })
  return router
}
