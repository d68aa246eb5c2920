import type { TlogState } from './state.ts'

const maxEnded = 1024

/** Recordings that are over, as far as is known: what comes again of them is known, what comes further goes on. */
export const createEndedRecordings = (before: TlogState['ended']) => {
  const ended = new Map(before.map(({ rec, nextId }) => [rec, nextId]))
  return {
    add: (rec: string, nextId: number): void => {
      ended.delete(rec)
      ended.set(rec, nextId)
      if (ended.size > maxEnded) ended.delete(ended.keys().next().value ?? '')
    },
    /** The id that comes next; null: the recording is not known. */
    nextId: (rec: string): number | null => ended.get(rec) ?? null,
    delete: (rec: string): void => void ended.delete(rec),
    snapshot: (): TlogState['ended'] => [...ended].map(([rec, nextId]) => ({ rec, nextId })),
  }
}
export type EndedRecordings = ReturnType<typeof createEndedRecordings>
