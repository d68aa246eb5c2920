import type { Segment, SegmentHead } from '../schema/screen.ts'
import type { ScreenSegments } from '../views/views.ts'
import type { Select } from './sqlite-select.ts'

type StoredSession = { number: number; nextSeq: number; throughUs: number; isEnded: number; unavailable: string | null }
type Spans = Pick<SegmentHead, 'pauses' | 'marks'>
type StoredSegment = Omit<SegmentHead, 'place' | 'isAlternate' | keyof Spans> &
  SegmentHead['place'] & { isAlternate: number; spans: string }

const columns = `g.number, g.start_us AS startUs, g.batch_seq AS batchSeq, g.frame, g.byte, g.cols, g.rows,
  g.is_alternate AS isAlternate, g.spans`

const sessionOf = (select: Select, sessionId: string): StoredSession | null =>
  select.first<StoredSession>(
    `SELECT number, next_seq AS nextSeq, through_us AS throughUs, is_ended AS isEnded, unavailable
       FROM screen_session WHERE session_id = ?`,
    [sessionId],
  )

const headOf = ({
  batchSeq,
  frame,
  byte,
  number,
  startUs,
  cols,
  rows,
  isAlternate,
  spans,
}: StoredSegment): SegmentHead => ({
  ...{ number, startUs, place: { batchSeq, frame, byte }, cols, rows },
  isAlternate: isAlternate === 1,
  ...(JSON.parse(spans) as Spans),
})

export const readSegments = (select: Select, sessionId: string): ScreenSegments | null => {
  const session = sessionOf(select, sessionId)
  if (session === null || session.unavailable !== null) return null
  const rows = select.rows<StoredSegment>(
    `SELECT ${columns} FROM screen_segment g WHERE g.screen_number = ? AND in_time() ORDER BY g.number`,
    [session.number],
  )
  const { throughUs, nextSeq, isEnded } = session
  return { throughUs, throughSeq: nextSeq - 1, isEnded: isEnded === 1, segments: rows.map(headOf) }
}

export const readSegment = (
  select: Select,
  { sessionId, number }: { sessionId: string; number: number },
): Segment | null => {
  const found = select.first<StoredSegment & { init: string }>(
    `SELECT ${columns}, k.init FROM screen_session s
       JOIN screen_segment g ON g.screen_number = s.number AND g.number = ?
       JOIN screen_keyframe k ON k.screen_number = s.number AND k.number = g.number
     WHERE s.session_id = ? AND s.unavailable IS NULL`,
    [number, sessionId],
  )
  return found && { ...headOf(found), init: found.init }
}

export const readLiveState = (select: Select, sessionId: string): { nextSeq: number; state: string } | null =>
  select.first<{ nextSeq: number; state: string }>(
    `SELECT s.next_seq AS nextSeq, t.state FROM screen_session s JOIN screen_state t ON t.screen_number = s.number
     WHERE s.session_id = ? AND s.unavailable IS NULL`,
    [sessionId],
  )

export const readUnavailable = (select: Select, sessionId: string): string | null =>
  sessionOf(select, sessionId)?.unavailable ?? null
