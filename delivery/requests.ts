import { z } from 'zod'
import type { StateStore } from '#services/state/state-store.ts'

/** What an operator asks of a destination; whoever serves it finds it in the state store. One at a time. */
export const SinkRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('replay'), fromMs: z.number().optional(), fromSeq: z.number().int().optional() }),
  z.object({
    kind: z.literal('resend'),
    topic: z.enum(['session-events', 'alerts']),
    partition: z.number().int(),
    offset: z.number().int(),
  }),
  z.object({ kind: z.literal('test') }),
])
export type SinkRequest = z.infer<typeof SinkRequest>

export const RequestEntry = z.object({ request: SinkRequest, answer: z.string().nullable() })
export type RequestEntry = z.infer<typeof RequestEntry>

export const requestKey = (sink: string): string => `sinks/${sink}/request`
export const statusKey = (sink: string): string => `sinks/${sink}/status`
export const cursorKey = (sink: string): string => `sinks/${sink}/cursor`
export const groupOf = (sink: string): string => `sink-${sink}`

/** Answers the request that waits, if one does; `answer` null: it is done, and nobody waits. */
export const answerRequest = async (
  state: StateStore,
  sink: string,
  carryOut: (request: SinkRequest) => Promise<string | null>,
): Promise<void> => {
  const key = requestKey(sink)
  const entry = await state.get(key)
  if (entry === null) return
  const waiting = RequestEntry.safeParse(entry.value).data
  if (waiting === undefined) return state.delete(key)
  if (waiting.answer !== null) return
  const answer = await carryOut(waiting.request)
  if (answer === null) await state.delete(key, { ifRevision: entry.revision })
  else await state.put(key, { ...waiting, answer }, { ifRevision: entry.revision })
}
