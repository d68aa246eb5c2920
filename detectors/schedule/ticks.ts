import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'
import { startSchedule } from '#services/schedule.ts'
import type { Runner } from '../runner/runner.ts'

/** While events come, what is known to be final follows them closely; else so often as timers of rules need it. */
const busyCron = '*/2 * * * * *'
const idleMs = 4_000

/** Ticks until it is stopped. */
export const scheduleTicks = ({ runner, clock, log }: { runner: Runner; clock: Clock; log: Logger }) => {
  let tickedMs = Number.NEGATIVE_INFINITY
  let readCount = -1
  return startSchedule(busyCron, log, async () => {
    const isBusy = runner.readCount() !== readCount
    if (!isBusy && Math.abs(clock.now() - tickedMs) < idleMs - 500) return
    const count = runner.readCount()
    await runner.tick()
    readCount = count
    tickedMs = clock.now()
  })
}
