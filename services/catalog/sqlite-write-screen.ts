import type { DatabaseSync } from 'node:sqlite'
import type { ScreenProgress, ScreenUpdate } from '../views/views.ts'
import { screenText } from './search-text.ts'
import type { TextChange } from './sqlite-full-text.ts'
import { createTimeKeys } from './sqlite-time-key.ts'

type Owner = Pick<ScreenUpdate['owner'], 'startedAtMs' | 'user'>
type Present = { number: number; next_seq: number; text_count: number; user: string }
type StoredProgress = Omit<ScreenProgress, 'owner' | 'throughMs' | 'isEnded'> &
  ScreenProgress['owner'] & { throughUs: number; isEnded: number }

const upsertSql = `
  INSERT INTO screen_session (session_id, user, bastion, started_at_ms, next_seq, through_us, is_ended, unavailable,
    text_count)
  VALUES (:sessionId, :user, :bastion, :startedAtMs, :nextSeq, :throughUs, :isEnded, :unavailable, :textCount)
  ON CONFLICT (session_id) DO UPDATE SET next_seq = :nextSeq, through_us = :throughUs, is_ended = :isEnded,
    unavailable = :unavailable, text_count = :textCount
  RETURNING number`

const progressSql = `
  SELECT s.next_seq AS nextSeq, t.state, s.through_us AS throughUs, s.is_ended AS isEnded, s.unavailable, s.text_count AS textCount,
    s.started_at_ms AS startedAtMs, s.user, s.bastion
  FROM screen_session s JOIN screen_state t ON t.screen_number = s.number WHERE s.session_id = ?`

const createPartWriter = (database: DatabaseSync, changes: TextChange[]) => {
  const keys = createTimeKeys(database, 'screen')
  const putSegment = database.prepare(
    `INSERT OR REPLACE INTO screen_segment (screen_number, number, start_us, batch_seq, frame, byte, cols, rows,
       is_alternate, spans) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const putKeyframe = database.prepare(
    'INSERT OR REPLACE INTO screen_keyframe (screen_number, number, init) VALUES (?, ?, ?)',
  )
  const putText = database.prepare(
    'INSERT INTO screen (time_key, screen_number, number, at_ms, text) VALUES (?, ?, ?, ?, ?)',
  )
  return {
    segments: (screen: number, segments: ScreenUpdate['segments']): void => {
      for (const { number, startUs, place, cols, rows, isAlternate, init, ...spans } of segments) {
        const where = [startUs, place.batchSeq, place.frame, place.byte] as const
        putSegment.run(screen, number, ...where, cols, rows, isAlternate ? 1 : 0, JSON.stringify(spans))
        putKeyframe.run(screen, number, init)
      }
    },
    /** `count`: of those that stand. */
    texts: (screen: number, owner: Owner, count: number, texts: ScreenUpdate['texts']): void => {
      for (const { number, atMs, text: shown } of texts) {
        if (number < count) continue
        const [rowKey, text] = [keys.next(owner.startedAtMs + atMs), screenText(shown)]
        putText.run(rowKey, screen, number, Math.trunc(atMs), text)
        changes.push({ table: 'screen_text', rowKey, text, user: owner.user, replaces: false })
      }
    },
  }
}

export const createScreenWriter = (database: DatabaseSync, changes: TextChange[]) => {
  const present = database.prepare('SELECT number, next_seq, text_count, user FROM screen_session WHERE session_id = ?')
  const isErased = database.prepare('SELECT 1 FROM erasure WHERE session_id = ?')
  const upsert = database.prepare(upsertSql)
  const putState = database.prepare('INSERT OR REPLACE INTO screen_state (screen_number, state) VALUES (?, ?)')
  const progress = database.prepare(progressSql)
  const parts = createPartWriter(database, changes)
  return {
    indexScreen: ({ owner, segments, texts, isEnded, state, fromSeq: _, ...said }: ScreenUpdate): void => {
      const before = present.get(said.sessionId) as Present | undefined
      if ((before && before.next_seq >= said.nextSeq) || isErased.get(said.sessionId)) return
      const known = before?.text_count ?? 0
      const textCount = texts.reduce((count, { number }) => Math.max(count, number + 1), known)
      const row = upsert.get({ ...owner, ...said, textCount, isEnded: isEnded ? 1 : 0 }) as { number: number }
      putState.run(row.number, state)
      parts.segments(row.number, segments)
      parts.texts(row.number, { ...owner, user: before?.user ?? owner.user }, known, texts)
    },
    screenProgress: (sessionId: string): ScreenProgress | null => {
      const found = progress.get(sessionId) as StoredProgress | undefined
      if (!found) return null
      const { startedAtMs, user, bastion, throughUs, isEnded, ...rest } = found
      return {
        ...rest,
        isEnded: isEnded === 1,
        throughMs: Math.trunc(throughUs / 1000),
        owner: { startedAtMs, user, bastion },
      }
    },
  }
}
