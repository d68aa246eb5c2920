/** What is derived of a session's terminal: where a player may begin, and what stood on the screen. */

/**
 * Where in the recording a segment begins. `frame`: number within the batch. `byte`: the first of that frame's data that
 * belongs to the segment; never inside an escape sequence or a UTF-8 character.
 */
export type Place = { batchSeq: number; frame: number; byte: number }

export type Segment = {
  number: number // in the session, from 0 without gaps
  startUs: number // integer microseconds since the session's start
  place: Place
  cols: number
  rows: number
  /** What brings an empty terminal of that size to the state at the segment's start. */
  init: string
  isAlternate: boolean
  /** Spans of 1 s or more without any event, that ended since the start of the segment before. */
  pauses: [fromUs: number, toUs: number][]
  /** Markers in the recording since the start of the segment before; at most 1,000, labels of at most 256 characters. */
  marks: [atUs: number, label: string][]
}
export type SegmentHead = Omit<Segment, 'init'>

/** Lines that became visible, as the eye reads them. */
export type ScreenText = { atMs: number; text: string }
