import type { Refused } from '#ingest/origin/origin-gate.ts'
import type { RecorderContext } from '../context.ts'
import { report } from './report.ts'

/** Of no session: whoever may not speak for a bastion could name any of its sessions. */
export const reportOrigin =
  (ctx: Pick<RecorderContext, 'bus' | 'clock' | 'log'>) =>
  ({ bastion, at: { topic, partition, offset }, reason }: Refused): Promise<void> => {
    const detail = `record ${offset} of ${topic}/${partition} does not come from the agent of ${bastion}: ${reason}`
    return report(ctx, { sessionId: null, bastion }, { status: 'tampered', what: 'origin', seq: offset, detail })
  }
