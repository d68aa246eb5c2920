import type { ScreenText, Segment, SegmentHead } from '../schema/screen.ts'

/** What is derived of a session's terminal: keyframes, segments, text of the screen. All of it can be derived anew. */

/** Derives them from the bus; a session's state stands in the views before its batches are committed. */
export const screenGroup = 'screen'

/** What the search of a text needs to know of its session; equal in each update of it. */
export type ScreenOwner = { startedAtMs: number; user: string; bastion: string }

/** What came of the batches fromSeq..nextSeq-1 of one session. Applied whole or not at all. */
export type ScreenUpdate = {
  sessionId: string
  owner: ScreenOwner
  fromSeq: number
  nextSeq: number
  /** SegmenterState as JSON: what deriving goes on from, and what a live viewer joins with. */
  state: string
  throughUs: number // microseconds since the session's start
  isEnded: boolean
  /** Why nothing more is derived of this session, for a person; null: all is well. */
  unavailable: string | null
  segments: Segment[]
  /** By their number in the session, counted from 0 without gaps. */
  texts: (ScreenText & { number: number })[]
}

export type ScreenProgress = {
  nextSeq: number
  state: string
  throughMs: number
  isEnded: boolean
  owner: ScreenOwner
  unavailable: string | null
  textCount: number
}

export type ScreenSegments = {
  throughUs: number
  throughSeq: number // the last batch that it covers
  isEnded: boolean
  segments: SegmentHead[]
}

export type ViewsWriter = {
  /**
   * No effect when nextSeq is not beyond what was applied, and none for a session that is being erased.
   * @throws BTZ_CATALOG_REFUSED it can never be taken; BTZ_UNAVAILABLE
   */
  indexScreen(update: ScreenUpdate): Promise<void>
  /** All of it: then it is derived anew, from batch 0. Idempotent. */
  deleteScreen(sessionId: string): Promise<void>
  /** The state to go on from; null for a session never seen. */
  screenProgress(sessionId: string): Promise<ScreenProgress | null>
}

/** Each @throws BTZ_CATALOG_TIMEOUT BTZ_UNAVAILABLE */
export type ViewsReader = {
  /** Null: there are none, or what is there cannot be relied on (`unavailable`). */
  segments(sessionId: string): Promise<ScreenSegments | null>
  segment(sessionId: string, number: number): Promise<Segment | null>
  /** Null: there is none, or it can no longer be derived. */
  liveState(sessionId: string): Promise<{ nextSeq: number; state: string } | null>
  /** Why nothing was derived of this session; null: nothing is known to be wrong. */
  unavailable(sessionId: string): Promise<string | null>
}

export type Views = ViewsWriter & ViewsReader
