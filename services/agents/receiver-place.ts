import { z } from 'zod'
import type { StateStore } from '../state/state-store.ts'

const key = 'receiver/place'

/** Where agents of other machines enrol, and the authority they are to trust: public, told by receivers at their start. */
export const ReceiverPlace = z.object({ url: z.url(), caSha256: z.string() })
export type ReceiverPlace = z.infer<typeof ReceiverPlace>

export const tellReceiverPlace = async (state: StateStore, place: ReceiverPlace): Promise<void> => {
  await state.put(key, place)
}
/** Null: no receiver takes agents of other machines. */
export const findReceiverPlace = async (state: StateStore): Promise<ReceiverPlace | null> =>
  ReceiverPlace.nullable().parse((await state.get(key))?.value ?? null)
