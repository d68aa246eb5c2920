import type { Bus } from '#services/bus/bus.ts'
import { nameOf } from './intake.ts'
import type { Outlet } from './outlet.ts'
import { beginAt, type Positions } from './positions.ts'
import type { Progress } from './progress.ts'
import { rangesFrom, rangesSince, withRecord } from './replay.ts'
import type { SinkRequest } from './requests.ts'

const testNow = async <L>(outlet: Outlet<L>, signal: AbortSignal): Promise<string> => {
  try {
    const { refused } = await outlet.send([{ seq: 0, load: outlet.probe() }], signal)
    return refused ? `refused: ${refused.reason}` : 'taken'
  } catch (error) {
    return `failed: ${error instanceof Error ? error.message : 'error'}`
  }
}

export type ObeyOptions<L> = {
  bus: Pick<Bus, 'read'>
  outlet: Outlet<L>
  progress: Progress
  positions: Positions
  signal: AbortSignal
}

/** Does what an operator asked. The answer is for who waits; null: durable, and nobody waits. */
export const obey = async <L>(options: ObeyOptions<L>, request: SinkRequest): Promise<string | null> => {
  const { bus, outlet, progress, positions, signal } = options
  if (request.kind === 'test') return testNow(outlet, signal)
  const { next, replay } = progress.cursor()
  if (request.kind === 'resend') progress.change({ replay: withRecord(replay, nameOf(request), request.offset) })
  else if (request.fromSeq === undefined) progress.change({ replay: await rangesSince(bus, next, request.fromMs ?? 0) })
  else progress.change({ replay: rangesFrom(next, beginAt(await positions.load(), request.fromSeq)) })
  await progress.save()
  return null
}
