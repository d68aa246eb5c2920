import { z } from 'zod'
import type { StateStore } from '#services/state/state-store.ts'
import type { Cursor } from './cursor.ts'

/** Now and then, where on the bus a destination was at a number of its sequence: for a replay from that number. */
const Position = z.object({ seq: z.number().int(), next: z.record(z.string(), z.number().int()) })
const Noted = z.object({ items: z.array(Position).max(200) })
type Noted = z.infer<typeof Noted>

const everyMs = 60_000
const most = 200

/** The newest stay near each other, older ones farther apart. */
const withPosition = ({ items }: Noted, { nextSeq: seq, next }: Cursor): Noted => {
  const kept = items.length < most ? items : items.filter((_, at) => at % 2 === 0)
  return { items: [...kept, { seq, next }] }
}

/** Where to begin so that nothing from this number on is missed: the last position before it. */
export const beginAt = ({ items }: Noted, seq: number): Record<string, number> =>
  items.findLast((position) => position.seq <= seq)?.next ?? {}

export const createPositions = (state: StateStore, key: string) => {
  let notedMs = Number.NEGATIVE_INFINITY
  const load = async (): Promise<Noted> => {
    const entry = await state.get(key)
    return entry === null ? { items: [] } : Noted.parse(entry.value)
  }
  return {
    load,
    /** The cursor before what is sent next. */
    note: async (cursor: Cursor, nowMs: number): Promise<void> => {
      if (Math.abs(nowMs - notedMs) < everyMs) return
      notedMs = nowMs
      await state.put(key, withPosition(await load(), cursor))
    },
  }
}
export type Positions = ReturnType<typeof createPositions>
