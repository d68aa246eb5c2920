import type { BusRecord } from '#services/bus/bus.ts'
import type { Sent } from '#services/sinks/sink.ts'
import type { Cursor, Entry } from './cursor.ts'

/** Something that goes out, and how the cursor names it. */
export type Planned<L> = { entry: Entry; load: L }
export type Chosen<L> = { planned: Planned<L>[]; desk: Cursor['desk']; marks: Cursor['marks'] }

/** One destination as the flow sees it, whether it takes items or notices. */
export type Outlet<L> = {
  /** What of these records goes out. What cannot be read is a dead letter when this resolves. */
  choose(records: readonly BusRecord[], cursor: Cursor): Promise<Chosen<L>>
  /** What goes out because it is time; null when nothing does. */
  due(cursor: Cursor): Promise<Chosen<L> | null>
  /** What a plan named, before a restart. */
  restore(entries: readonly Entry[]): Promise<Planned<L>[]>
  send(batch: readonly { seq: number; load: L }[], signal: AbortSignal): Promise<Sent>
  /** Durable when resolved. */
  putAside(planned: Planned<L>, reason: string): Promise<void>
  /** What shows that the destination can be reached: `seq` 0 is outside of its sequence. */
  probe(): L
  storeMarks(marks: Cursor['marks']): Promise<void>
  close(): Promise<void>
}
