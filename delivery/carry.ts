import type { Clock } from '#services/clock.ts'
import type { Cursor } from './cursor.ts'
import type { Chosen, Planned } from './outlet.ts'
import type { Positions } from './positions.ts'
import type { Progress } from './progress.ts'
import { type SendContext, sendPlan } from './send-plan.ts'

export type CarryOptions<L> = Omit<SendContext<L>, 'replan'> & {
  progress: Progress
  positions: Positions
  clock: Clock
  hard: AbortSignal
}

/** Plans what goes out, then sends it. Where it is stopped, the plan stands and comes again. */
export const createCarry = <L>(options: CarryOptions<L>) => {
  const { progress, positions, outlet, durably, clock, hard } = options

  const replan = async (left: Planned<L>[], seq: number): Promise<void> => {
    const entries = left.map(({ entry }) => entry)
    progress.change({ nextSeq: seq + left.length, plan: left.length > 0 ? { firstSeq: seq, entries } : null })
    await progress.save()
  }
  const sendAll = async (planned: Planned<L>[], firstSeq: number): Promise<void> => {
    await sendPlan({ ...options, replan }, planned, firstSeq, hard)
    if (!hard.aborted) progress.change({ plan: null })
  }
  return {
    /** What a plan named that was not done before the end of the process. */
    resume: async (): Promise<void> => {
      const { plan } = progress.cursor()
      if (plan !== null) {
        const planned = await durably(() => outlet.restore(plan.entries))
        await replan(planned, plan.firstSeq)
        await sendAll(planned, plan.firstSeq)
      }
      if (!hard.aborted) progress.settle()
    },
    carryOut: async ({ planned, desk, marks }: Chosen<L>, change: Partial<Cursor>): Promise<void> => {
      const before = progress.cursor()
      progress.change({ ...change, desk, marks: { ...before.marks, ...marks } })
      if (planned.length > 0) {
        await durably(() => positions.note(before, clock.now()))
        await replan(planned, before.nextSeq)
        await progress.commitDone()
        await sendAll(planned, before.nextSeq)
      }
      if (!hard.aborted) progress.settle()
    },
  }
}
export type Carry<L> = ReturnType<typeof createCarry<L>>
