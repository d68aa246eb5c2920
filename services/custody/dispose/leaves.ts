import { setTimeout as sleep } from 'node:timers/promises'
import { BartizanError } from '../../errors.ts'
import { leafOfObject } from '../../proofs/leaf.ts'
import type { NoteSigner } from '../../proofs/note.ts'
import type { CustodyAct } from '../../schema/custody-act.ts'
import { actKeyOf, encodeAct } from '../act-format.ts'

export type Logged = {
  logKey: NoteSigner
  /** Whether a checkpoint that was read back covers the leaf. */
  isLogged: (leafId: string) => Promise<boolean>
  /** Asks for a checkpoint now, where this process makes them; elsewhere one comes every minute. */
  checkpoint: () => Promise<void>
  pollMs: number
  limitMs: number
}

/** Resolves when the log vouches for each of these acts. @throws BTZ_UNAVAILABLE when that takes too long; BTZ_LOG_FORK */
export const untilLogged = async (ctx: Logged, acts: readonly CustodyAct[]): Promise<void> => {
  const endMs = performance.now() + ctx.limitMs
  for (const act of acts) {
    const { id } = leafOfObject('act', actKeyOf(act), encodeAct(act, ctx.logKey))
    while (!(await ctx.isLogged(id))) {
      if (performance.now() > endMs)
        throw new BartizanError('BTZ_UNAVAILABLE', `no checkpoint of the log covers act ${act.id} yet`, {
          hint: 'see that ingest runs and writes checkpoints; run it again: it goes on where it was',
        })
      await ctx.checkpoint()
      if (!(await ctx.isLogged(id))) await sleep(ctx.pollMs)
    }
  }
}
