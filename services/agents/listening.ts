import { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { StateStore } from '../state/state-store.ts'

const key = 'receivers/listening'
const Said = z.object({ atMs: z.int() })

/** That some receiver takes heartbeats, known to every process: an agent that nobody listens to is not silent. */
export const createListening = ({ state, clock }: { state: StateStore; clock: Clock }) => ({
  say: async (): Promise<void> => {
    await state.put(key, { atMs: clock.now() })
  },
  /** Unix ms, or null: never. */
  lastMs: async (): Promise<number | null> => Said.safeParse((await state.get(key))?.value).data?.atMs ?? null,
})
export type Listening = ReturnType<typeof createListening>

export const sayListeningCron = '*/5 * * * * *'
/** A receiver that said nothing for so long does not listen. */
export const listeningForMs = 15_000
