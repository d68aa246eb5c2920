/**
 * How full the spool is. warning: someone should know. refusing: no new session. full: nothing but the ends of sessions.
 */
export type SpoolLevel = 'ok' | 'warning' | 'refusing' | 'full'

const warningShare = 0.8
const refusingShare = 0.95
const MiB = 1024 * 1024

export type SpoolLimits = {
  /** What sessions may fill; the rest up to maxBytes is for their ends. */
  capacityBytes: number
  reserveBytes: number
  segmentBytes: number
  /** Most that one write and one sync carry; the reserve has room for it, so that a full disk fails no write half way. */
  groupBytes: number
}

export const limitsOf = ({ maxBytes, segmentBytes }: { maxBytes: number; segmentBytes: number }): SpoolLimits => {
  const reserveBytes = Math.min(8 * MiB, Math.ceil(maxBytes / 16))
  return {
    capacityBytes: maxBytes - reserveBytes,
    reserveBytes,
    segmentBytes: Math.max(1, Math.min(segmentBytes, Math.floor(maxBytes / 16))),
    groupBytes: Math.min(2 * MiB, Math.floor(reserveBytes / 2)),
  }
}

/** Once full it stays so until there is room worth the name, or sessions would flicker between data and gaps. */
export const levelOf = (usedBytes: number, capacityBytes: number, now: SpoolLevel, diskFull: boolean): SpoolLevel => {
  const share = usedBytes / capacityBytes
  if (diskFull || share >= 1) return 'full'
  if (share >= refusingShare) return now === 'full' ? 'full' : 'refusing'
  return share >= warningShare ? 'warning' : 'ok'
}
