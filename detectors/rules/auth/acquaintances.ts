import { withSample } from '../../baselines/robust.ts'
import { dayOf } from '../../utc-day.ts'

/** Who got in from a place, or from where somebody got in, and on which day last. */
export type Acquaintance = { name: string; day: number }

const keepDays = 30
const maxKnown = 64
const sharedBy = 3

export const acquainted = (known: readonly Acquaintance[], name: string, timeMs: number): readonly Acquaintance[] => {
  const day = dayOf(timeMs)
  const before = known.find((one) => one.name === name)
  if (before && before.day >= day) return known
  const others = known.filter((one) => one.name !== name && one.day > day - keepDays)
  return withSample(others, { name, day }, maxKnown)
}

export const knows = (known: readonly Acquaintance[], name: string, timeMs: number): boolean =>
  known.some((one) => one.name === name && one.day > dayOf(timeMs) - keepDays)

/** So many people come from there that it is their office, their VPN or their employer's way out. */
export const isShared = (known: readonly Acquaintance[], timeMs: number): boolean =>
  known.filter(({ day }) => day > dayOf(timeMs) - keepDays).length >= sharedBy

export const areForgotten = (known: readonly Acquaintance[], nowMs: number): boolean =>
  known.every(({ day }) => day <= dayOf(nowMs) - keepDays)
