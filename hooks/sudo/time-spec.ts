import { BartizanError } from '#services/errors.ts'
import type { TimeSpec } from '#services/schema/generated/log_server_pb.ts'

const nsPerSecond = 1_000_000_000n
// 136 years: no delay and no run time is longer, and sums of them stay far inside 64 bits.
const maxSeconds = 0xffff_ffffn

export const maxNs = maxSeconds * nsPerSecond

/** Nanoseconds of a delay, a run time or a resume point. @throws BTZ_SUDO_PROTOCOL for what no clock gives */
export const toNs = (time: Pick<TimeSpec, 'tvSec' | 'tvNsec'> | undefined): bigint => {
  if (time === undefined) return 0n
  if (time.tvSec < 0n || time.tvSec > maxSeconds || time.tvNsec < 0 || time.tvNsec >= 1_000_000_000) {
    throw new BartizanError('BTZ_SUDO_PROTOCOL', `a time of ${time.tvSec} s and ${time.tvNsec} ns`)
  }
  return time.tvSec * nsPerSecond + BigInt(time.tvNsec)
}

export const fromNs = (ns: bigint): { tvSec: bigint; tvNsec: number } => ({
  tvSec: ns / nsPerSecond,
  tvNsec: Number(ns % nsPerSecond),
})

/** Wall clock of the client in ms; where it sent none, that of its arrival. @throws BTZ_SUDO_PROTOCOL */
export const toUnixMs = (time: TimeSpec | undefined, nowMs: number): number =>
  time === undefined ? nowMs : Number(toNs(time) / 1_000_000n)
