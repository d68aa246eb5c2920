import { z } from 'zod'
import type { StateStore } from '#services/state/state-store.ts'
import type { Scope, Tally } from './context.ts'

const stateKey = 'reindex'
const saveEveryMs = 2_000

const Count = z.number().int().nonnegative()
const Saved = z.object({
  scope: z.string(), // JSON
  after: z.string().nullable(), // the last session that is done
  sessionsDone: z.boolean(),
  eventsDone: z.array(z.string()), // partitions
  tally: z.object({
    ...{ sessions: Count, events: Count, alerts: Count, erased: Count, running: Count, refused: Count, damaged: Count },
  }),
})
export type Saved = z.infer<typeof Saved>

const scopeName = ({ sessionId, from, to, viewsOnly }: Scope): string =>
  JSON.stringify([sessionId, from, to, viewsOnly])

/** How far a reindex is, for the next one to go on from, if it is asked for the same. */
export const createProgress = async (state: StateStore, scope: Scope, start: Tally) => {
  const found = Saved.safeParse((await state.get(stateKey))?.value)
  const isSame = found.success && found.data.scope === scopeName(scope)
  const saved: Saved = isSame
    ? found.data
    : { scope: scopeName(scope), after: null, sessionsDone: false, eventsDone: [], tally: start }
  let savedMs = performance.now()
  const save = async (): Promise<void> => {
    await state.put(stateKey, saved)
    savedMs = performance.now()
  }
  return {
    saved,
    isResumed: isSame,
    save,
    /** Now and then: what is done twice does no harm. */
    saveSometimes: async (): Promise<void> => {
      if (performance.now() - savedMs >= saveEveryMs) await save()
    },
    end: () => state.delete(stateKey),
  }
}
