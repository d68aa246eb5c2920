import type { DatabaseSync } from 'node:sqlite'
import { isUnended } from '../schema/session.ts'
import type { SessionRow, SessionUpdate } from './catalog.ts'
import { sessionText } from './search-text.ts'
import type { TextChange } from './sqlite-full-text.ts'
import { createCommandWriter } from './sqlite-write-commands.ts'
import { createLedgerWriter } from './sqlite-write-ledger.ts'

type Present = { number: number; next_seq: number; closing: number | null; user: string; text: string }

const upsertSql = `
  INSERT INTO session (id, connection_id, parent_id, user, bastion, source_ip, state, started_at_ms, ended_at_ms, closing,
    next_seq, command_count, row, text)
  VALUES (:id, :connectionId, :parentId, :user, :bastion, :sourceIp, :state, :startedAtMs, :endedAtMs, :closing,
    :nextSeq, 0, :row, :text)
  ON CONFLICT (id) DO UPDATE SET connection_id = :connectionId, parent_id = :parentId, user = :user, bastion = :bastion,
    source_ip = :sourceIp, state = :state, started_at_ms = :startedAtMs, ended_at_ms = :endedAtMs, closing = :closing,
    next_seq = :nextSeq, row = :row, text = :text
  RETURNING number`

const columnsOf = (row: SessionRow) => ({
  id: row.id,
  connectionId: row.connectionId,
  parentId: row.parentId,
  user: row.user,
  bastion: row.bastion,
  sourceIp: row.sourceIp,
  state: row.state,
  startedAtMs: Date.parse(row.startedAt),
  endedAtMs: row.endedAt === null ? null : Date.parse(row.endedAt),
})

/** Gives the row's number. */
export type PutRow = (row: SessionRow, nextSeq: number) => number

export const createSessionWriter = (database: DatabaseSync, changes: TextChange[]) => {
  const commands = createCommandWriter(database, changes)
  const present = database.prepare('SELECT number, next_seq, closing, user, text FROM session WHERE id = ?')
  const upsert = database.prepare(upsertSql)
  const nextClosing = database.prepare('UPDATE closings SET count = count + 1 RETURNING count')
  const putProgress = database.prepare('INSERT OR REPLACE INTO progress (session_id, progress) VALUES (?, ?)')
  const mark = database.prepare(
    "UPDATE session SET state = :to, row = json_set(row, '$.state', :to) WHERE id = :id AND state = :from",
  )
  const truncate = database.prepare(
    `UPDATE session SET state = 'truncated', row = json_set(row, '$.state', 'truncated'), closing = :closing
       WHERE id = :id AND state IN ('open', 'late')`,
  )
  const isUnendedRow = database.prepare("SELECT 1 FROM session WHERE id = ? AND state IN ('open', 'late')")
  const count = database.prepare('UPDATE session SET command_count = command_count + ? WHERE number = ?')

  const closingOf = (row: SessionRow, before: Present | undefined): number | null => {
    if (isUnended(row.state)) return null
    return before?.closing ?? (nextClosing.get() as { count: number }).count
  }

  const putRow = (row: SessionRow, nextSeq: number): number => {
    const before = present.get(row.id) as Present | undefined
    const text = sessionText(row)
    const columns = { ...columnsOf(row), nextSeq, closing: closingOf(row, before), row: JSON.stringify(row), text }
    const { number } = upsert.get(columns) as { number: number }
    if (before?.text !== text) {
      changes.push({ table: 'session_text', rowKey: BigInt(number), text, replaces: before !== undefined })
    }
    if (before && before.user !== row.user) commands.moveTo(number, row.user)
    return number
  }

  return {
    markLate: (sessionIds: string[], isLate: boolean): void => {
      const [from, to] = isLate ? ['open', 'late'] : ['late', 'open']
      for (const id of sessionIds) mark.run({ id, from: from!, to: to! })
    },
    markTruncated: (sessionIds: string[]): void => {
      for (const id of sessionIds)
        if (isUnendedRow.get(id)) truncate.run({ id, closing: (nextClosing.get() as { count: number }).count })
    },
    indexFrames: ({ sessionId, nextSeq, progress, session, commands: updated }: SessionUpdate): void => {
      const before = present.get(sessionId) as Present | undefined
      if (before && before.next_seq >= nextSeq) return
      const number = putRow(session, nextSeq)
      putProgress.run(sessionId, progress)
      const owner = { sessionNumber: number, startedAtMs: Date.parse(session.startedAt), user: session.user }
      const added = updated.reduce((sum, row) => sum + commands.put(owner, row.number, row.command), 0)
      count.run(added, number)
    },
    ...createLedgerWriter(database, changes, putRow),
  }
}
