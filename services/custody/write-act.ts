import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../clock.ts'
import { hasCode } from '../errors.ts'
import { leafRecord } from '../proofs/leaf.ts'
import type { NoteSigner } from '../proofs/note.ts'
import { longestRetention } from '../recordings/longest-retention.ts'
import type { RecordingWriter } from '../recordings/recording-store.ts'
import { CustodyAct } from '../schema/custody-act.ts'
import { actKeyOf, encodeAct } from './act-format.ts'

export type ActContext = {
  recordings: Pick<RecordingWriter, 'put'>
  bus: Pick<Bus, 'produce'>
  logKey: NoteSigner
  clock: Clock
  maxRetentionYears: number
}

type Each<T> = T extends unknown ? Omit<T, 'format' | 'id' | 'at' | 'nonce'> : never
export type NewAct = Each<CustodyAct>

/** Draws what makes an act one of its own. Keep it where it outlives a crash, to write the same one again. */
export const draftAct = (act: NewAct, clock: Clock): CustodyAct =>
  CustodyAct.parse({
    ...act,
    format: 1,
    id: uuidv7({ msecs: clock.now() }),
    at: new Date(clock.now()).toISOString(),
    nonce: randomBytes(32).toString('hex'),
  })

/**
 * Durable in the store, kept as long as anything may be, and its leaf on the way into the log, when resolved. The same act
 * any number of times is one. @returns its key
 */
export const writeAct = async (ctx: ActContext, act: CustodyAct): Promise<string> => {
  const key = actKeyOf(act)
  const bytes = encodeAct(act, ctx.logKey)
  const retainUntil = longestRetention(ctx.clock.now(), ctx.maxRetentionYears)
  await ctx.recordings.put(key, bytes, { retainUntil }).catch((error: unknown) => {
    if (!hasCode(error, 'BTZ_RECORDING_EXISTS')) throw error
  })
  await ctx.bus.produce([leafRecord('act', key, bytes)])
  return key
}
