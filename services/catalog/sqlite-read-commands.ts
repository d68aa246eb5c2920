import { z } from 'zod'
import type { Command, List } from '../schema/session.ts'
import type { BlockRow } from './catalog.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { BlockRange, KnownSeq } from './durable-seqs.ts'
import { type Select, totalOf } from './sqlite-select.ts'

export type CommandsQuery = { sessionId: string; limit: number; cursor?: string | undefined }

const from = 'command c JOIN session s ON s.number = c.session_number WHERE s.id = ? AND in_time()'

/** In the order of their numbers. */
export const readCommands = (select: Select, query: CommandsQuery): List<Command & { number: number }> => {
  const after = decodeCursor('commands', query, z.int()) ?? -1
  const rows = select.rows<{ number: number; row: string }>(
    `SELECT c.number, c.row FROM ${from} AND c.number > ? ORDER BY c.number LIMIT ?`,
    [query.sessionId, after, query.limit + 1],
  )
  const items = rows.slice(0, query.limit)
  return {
    items: items.map(({ number, row }) => ({ ...(JSON.parse(row) as Command), number })),
    next: rows.length > query.limit ? encodeCursor('commands', query, items.at(-1)!.number) : null,
    total: totalOf(select.count(from, [query.sessionId])),
  }
}

type StoredBlock = Omit<BlockRow, 'startNs' | 'endNs' | 'seals'> & { startNs: string; endNs: string; seals: number }

export const readBlocks = (select: Select, sessionId: string): BlockRow[] =>
  select
    .rows<StoredBlock>(
      `SELECT session_id AS sessionId, key, first_seq AS firstSeq, last_seq AS lastSeq,
         CAST(start_ns AS TEXT) AS startNs, CAST(end_ns AS TEXT) AS endNs, first_at_ms AS firstAtMs,
         last_at_ms AS lastAtMs, size_bytes AS sizeBytes, chain_hash AS chainHash, seals
       FROM block WHERE session_id = ? ORDER BY first_seq, key`,
      [sessionId],
    )
    .map((row) => ({ ...row, startNs: BigInt(row.startNs), endNs: BigInt(row.endNs), seals: row.seals === 1 }))

export const readRanges = (select: Select, known: KnownSeq[]): BlockRange[] =>
  known.flatMap(({ sessionId, nextSeq }) =>
    select.rows<BlockRange>(
      `SELECT session_id AS sessionId, first_seq AS firstSeq, last_seq AS lastSeq FROM block
       WHERE session_id = ? AND last_seq >= ?`,
      [sessionId, nextSeq],
    ),
  )
