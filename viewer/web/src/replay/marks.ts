import type { Marker } from '../api.ts'
import type { Clock } from './skips.ts'
import { wholeMs } from './use-recording.ts'

/** `atMs`: of playing. */
export type Mark = { atMs: number; kind: Marker['kind'] | 'hit'; label: string }
export type Hit = { atMs: number; label: string }

const backMs = 200 // as long as this after a mark, "the one before" is the one before it

export const isHit = ({ kind }: Mark): boolean => kind === 'hit'

export const marksOf = (markers: readonly Marker[], hits: readonly Hit[], clock: Clock): Mark[] =>
  [...markers, ...hits.map((hit) => ({ ...hit, kind: 'hit' as const }))]
    .map((mark) => ({ ...mark, atMs: clock.toPlayMs(mark.atMs + wholeMs) }))
    .sort((one, other) => one.atMs - other.atMs)

/** The neighbour of a moment among some marks. */
export const beside = (marks: readonly Mark[], atMs: number, direction: 1 | -1): Mark | undefined =>
  direction === 1 ? marks.find((mark) => mark.atMs > atMs + 1) : marks.findLast((mark) => mark.atMs < atMs - backMs)
