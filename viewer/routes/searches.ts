import { Router } from 'express'
import { z } from 'zod'
import { NewSavedSearch } from '#services/saved-searches/saved-searches.ts'
import { allow, principalOf } from '../access/authenticate.ts'
import type { ViewerContext } from '../context.ts'
import { parseInput } from './input.ts'

export const searchesRoutes = ({ savedSearches, audit }: ViewerContext): Router => {
  const router = Router()

  router.get('/api/searches', allow('search'), async (request, response) => {
    parseInput(z.strictObject({}), request.query)
    const items = await savedSearches.list(principalOf(response))
    response.json({ items, next: null, total: { value: items.length, relation: 'eq' } })
  })

  router.post('/api/searches', allow('search'), async (request, response) => {
    const search = parseInput(NewSavedSearch, request.body)
    const principal = principalOf(response)
    const object = `${search.name}: ${search.q}`
    await audit({ principal, action: 'saved-search.create', object, sourceIp: request.ip })
    response.status(201).json(await savedSearches.add(search, principal))
  })

  router.delete('/api/searches/:id', allow('search'), async (request, response) => {
    const principal = principalOf(response)
    const { id, name, by } = await savedSearches.deletable(String(request.params.id), principal)
    const object = `${name}, of ${by} (${id})`
    await audit({ principal, action: 'saved-search.delete', object, sourceIp: request.ip })
    await savedSearches.remove(id)
    response.status(204).end()
  })
  return router
}
