import { z } from 'zod'

const Rec = z.string().min(1).max(255)
const id = z.number().int().min(1)

/** What the hook remembers beside its place in a source: the recordings that were open there, and some that had ended. */
export const TlogState = z.object({
  open: z
    .array(
      z.object({
        rec: Rec,
        uid: z.string().max(10).nullable(),
        logId: z.string().max(64),
        nextId: id,
        elapsedNs: z.string().regex(/^\d{1,20}$/),
      }),
    )
    .max(1024),
  ended: z.array(z.object({ rec: Rec, nextId: id })).max(1024),
})
export type TlogState = z.infer<typeof TlogState>
