import type { DecodedBatch } from '#services/recordings/format/frame-batch.ts'
import type { Segment } from '#services/schema/screen.ts'
import type { TerminalSize } from '#services/terminal/terminal-size.ts'
import type { ScreenOwner, ScreenProgress, ScreenUpdate } from '#services/views/views.ts'
import { newOrderedSession, type OrderedSession, waitAgain } from '../ordering.ts'
import { startedRow, unknownRow } from '../session-row.ts'
import type { Shown } from './live-screen.ts'

/** A session between two writes of its views. */
export type ScreenSession = OrderedSession & {
  owner: ScreenOwner | null // null: no batch of it was ever taken
  generation: number | null // of the emulation in which its screen is, or was, open; null: not since it was loaded
  stored: string | null // state of before `applied`
  unavailable: string | null
  isEnded: boolean
  appliedBytes: number
  appliedSinceMs: number
  textCount: number
  segments: Segment[]
  texts: ScreenUpdate['texts']
}

export const newScreenSession = (sessionId: string): ScreenSession => ({
  ...newOrderedSession(sessionId),
  owner: null,
  generation: null,
  stored: null,
  unavailable: null,
  isEnded: false,
  appliedBytes: 0,
  appliedSinceMs: 0,
  textCount: 0,
  segments: [],
  texts: [],
})

const nothingPending = () => ({ appliedBytes: 0, segments: [], texts: [] })

/** As the views know it. */
export const takeProgress = (session: ScreenSession, progress: ScreenProgress | null): void => {
  Object.assign(session, nothingPending(), {
    owner: progress?.owner ?? null,
    stored: progress?.state ?? null,
    unavailable: progress?.unavailable ?? null,
    textCount: progress?.textCount ?? 0,
    generation: null,
    isEnded: progress?.isEnded ?? false,
  })
}

/** What was applied could not be written, or its screen was lost: it waits, to be applied again to what the views have. */
export const takeBack = (session: ScreenSession): void => {
  waitAgain(session)
  Object.assign(session, nothingPending(), { generation: null })
}

export const addShown = (session: ScreenSession, { segments, texts }: Shown): void => {
  session.segments.push(...segments)
  for (const text of texts) session.texts.push({ ...text, number: session.textCount++ })
}

/** Whose terminal it is, and its size at the start. @throws BTZ_BATCH_INVALID for a time that no calendar has */
export const ownerOf = (batch: DecodedBatch): { owner: ScreenOwner; size: TerminalSize } => {
  const { sessionId, bastion, start, closedAtMs, endNs } = batch
  const row = start
    ? startedRow(sessionId, bastion, start)
    : unknownRow(sessionId, bastion, Math.max(0, closedAtMs - Number(endNs / 1_000_000n)))
  const owner = { startedAtMs: Date.parse(row.startedAt), user: row.user, bastion }
  return { owner, size: { cols: row.cols ?? 80, rows: row.rows ?? 24 } }
}

/** What of the applied batches is to be written. */
export const updateOf = (session: ScreenSession, owner: ScreenOwner, state: string): ScreenUpdate => {
  const { sessionId, applied, segments, texts, isEnded, unavailable } = session
  const [first, last] = [applied[0]!.batch, applied.at(-1)!.batch]
  return {
    ...{ sessionId, owner, state, segments, texts, isEnded, unavailable },
    fromSeq: first.batchSeq,
    nextSeq: last.batchSeq + 1,
    throughUs: Number(last.endNs / 1_000n),
  }
}
