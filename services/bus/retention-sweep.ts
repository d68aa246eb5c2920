import type { GroupPartition } from './consumer-group.ts'
import type { GroupCommits } from './group-commits.ts'
import type { LogBusOptions } from './log-bus.ts'

/** Removes what a partition may lose by now. A failure is logged: the next sweep tries again. */
export const createSweep =
  ({ clock, retentionMs, log }: LogBusOptions) =>
  async (commits: GroupCommits, at: GroupPartition): Promise<void> => {
    const { topic, partition } = at
    try {
      const committedByAll = () => commits.durableFloor(at)
      const files = await at.log.removeExpired({ olderThanMs: clock.now() - retentionMs, committedByAll })
      if (files > 0) log.info({ topic, partition, files }, 'bus: removed what is past its retention')
    } catch (err) {
      log.error({ err, topic, partition }, 'bus: retention failed')
    }
  }
