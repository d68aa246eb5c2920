import { z } from 'zod'
import type { Command, List } from '../schema/session.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type Ask, totalOf } from './elastic-ask.ts'
import type { CatalogIndices } from './elastic-mappings.ts'

export type CommandsQuery = { sessionId: string; limit: number; cursor?: string }
type Stored = { number: number; row: string }

/** In the order of their numbers. */
export const readCommands = async (
  ask: Ask,
  indices: CatalogIndices,
  query: CommandsQuery,
): Promise<List<Command & { number: number }>> => {
  const after = decodeCursor('commands', query, z.int())
  const { hits, count } = await ask.search<Stored>(indices.commands, {
    size: query.limit + 1,
    query: { bool: { filter: [{ term: { sessionId: query.sessionId.toWellFormed() } }] } },
    sort: [{ number: { order: 'asc', unmapped_type: 'long' } }],
    _source: ['number', 'row'],
    counted: true,
    ...(after !== null && { search_after: [after] }),
  })
  const items = hits
    .slice(0, query.limit)
    .map(({ _source: { number, row } }) => ({ ...(JSON.parse(row) as Command), number }))
  const more = hits.length > query.limit
  return { items, next: more ? encodeCursor('commands', query, items.at(-1)!.number) : null, total: totalOf(count) }
}
