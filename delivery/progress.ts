import type { Subscription, Topic } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import { hasCode } from '#services/errors.ts'
import type { Logger } from '#services/log.ts'
import type { Cursor, CursorStore } from './cursor.ts'
import type { Durably } from './durably.ts'

const flushMs = 1_000
const maxMarks = 200

export type ProgressOptions = {
  cursor: Cursor
  store: CursorStore
  storeMarks(marks: Cursor['marks']): Promise<void>
  durably: Durably
  clock: Clock
  log: Logger
}

/** How far a destination is: in memory, in the state store, and on the bus, in this order. */
export const createProgress = ({ store, storeMarks, durably, clock, log, ...options }: ProgressOptions) => {
  let { cursor } = options
  let isDirty = false
  let flushedMs = clock.now()
  let done: Record<string, number> = {}
  let subscription: Subscription | null = null
  const committed: Record<string, number> = {}

  const commitOne = async (at: string, next: number): Promise<void> => {
    const [topic, partition] = at.split('/') as [Topic, string]
    try {
      await subscription?.commit({ topic, partition: Number(partition) }, next)
      committed[at] = next
    } catch (err) {
      // The cursor has it; who gets the partition next drops what is done.
      if (!hasCode(err, 'BTZ_BUS_NOT_ASSIGNED')) log.warn({ err, at }, 'the offset is committed later')
    }
  }
  const commitDone = async (): Promise<void> => {
    for (const [at, next] of Object.entries(done)) if ((committed[at] ?? -1) < next) await commitOne(at, next)
  }
  const save = async (): Promise<void> => {
    await durably(() => store.save(cursor))
    await durably(() => storeMarks(cursor.marks))
    cursor = { ...cursor, marks: {} }
    isDirty = false
    flushedMs = clock.now()
  }
  return {
    cursor: (): Cursor => cursor,
    change: (change: Partial<Cursor>): void => {
      cursor = { ...cursor, ...change }
      isDirty = true
    },
    /** Everything before the cursor's offsets is sent: the bus hears of it once the cursor is saved. */
    settle: (): void => {
      done = cursor.next
    },
    commitsTo: (to: Subscription): void => {
      subscription = to
    },
    /** @throws BTZ_STATE_CONFLICT */
    save,
    commitDone,
    flush: async (): Promise<void> => {
      if (isDirty) await save()
      await commitDone()
    },
    isLate: (): boolean => Math.abs(clock.now() - flushedMs) >= flushMs || Object.keys(cursor.marks).length >= maxMarks,
  }
}
export type Progress = ReturnType<typeof createProgress>
