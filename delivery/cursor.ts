import { z } from 'zod'
import { Notice } from '#services/sinks/notice.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { Desk } from './desk.ts'
import { Mark } from './mark.ts'

/** `topic/partition/offset` of a record on the bus, or the notice itself. */
export const Entry = z.union([z.string().max(120), Notice])
export type Entry = z.infer<typeof Entry>

const offset = z.number().int().nonnegative()

/**
 * How far a destination is. `plan` is written before it is sent: after a crash the same items go out again with the same
 * numbers. `next`: of each `topic/partition`, the first offset that no plan has decided.
 */
export const Cursor = z.object({
  busId: z.string(),
  nextSeq: z.number().int().positive(), // after the plan
  next: z.record(z.string(), offset),
  plan: z.object({ firstSeq: z.number().int().positive(), entries: z.array(Entry) }).nullable(),
  marks: z.record(z.string(), Mark), // decided with the plan, and not certainly stored yet
  replay: z.record(z.string(), z.object({ next: offset, end: offset })).nullable(),
  desk: Desk.nullable(),
})
export type Cursor = z.infer<typeof Cursor>

export const newCursor = (busId: string): Cursor => ({
  busId,
  nextSeq: 1,
  next: {},
  plan: null,
  marks: {},
  replay: null,
  desk: null,
})

/** Offsets mean nothing on another bus; the sequence goes on. What was planned there is gone with it. */
const onBus = (cursor: Cursor, busId: string): Cursor => {
  if (cursor.busId === busId) return cursor
  const { plan } = cursor
  return { ...newCursor(busId), nextSeq: plan?.firstSeq ?? cursor.nextSeq, desk: cursor.desk, marks: cursor.marks }
}

export type CursorStore = {
  load(busId: string): Promise<Cursor>
  /** @throws BTZ_STATE_CONFLICT when another process serves this destination now */
  save(cursor: Cursor): Promise<void>
}

export const createCursorStore = (state: StateStore, key: string): CursorStore => {
  let revision = 0
  return {
    load: async (busId) => {
      const entry = await state.get(key)
      revision = entry?.revision ?? 0
      return entry === null ? newCursor(busId) : onBus(Cursor.parse(entry.value), busId)
    },
    save: async (cursor) => {
      revision = await state.put(key, cursor, { ifRevision: revision })
    },
  }
}
