import { EndReason } from '../../schema/generated/frame_batch_pb.ts'
import type { Manifest } from './manifest.ts'

const endReasons: Record<EndReason, Manifest['endReason']> = {
  [EndReason.UNSPECIFIED]: 'unknown',
  [EndReason.EXIT]: 'exit',
  [EndReason.RECORDER_KILLED]: 'recorder_killed',
  [EndReason.TRUNCATED]: 'truncated',
  [EndReason.ABORTED]: 'aborted',
}

/** What the manifest says of the end that the recording holds. */
export const endReasonOf = (reason: EndReason): Manifest['endReason'] => endReasons[reason] ?? 'unknown'
