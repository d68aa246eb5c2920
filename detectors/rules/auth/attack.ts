import type { Severity } from '#services/schema/alert.ts'
import type { DetectorSettings } from '#services/schema/detector-settings.ts'
import { type Assault, accountsOf, attemptsOf, medianGapMs, type Noise } from './address-record.ts'

/** What the failed logins of one address amount to. */
export type Attack = 'spray' | 'fast' | 'many' | 'slow' | 'system' | 'inside' | 'old password'
type Settings = DetectorSettings['authFailures']

/** Gravest first. */
const order: readonly Attack[] = ['spray', 'fast', 'many', 'slow', 'system', 'inside', 'old password']
export const severityOf: Record<Attack, Severity> = {
  spray: 'medium',
  fast: 'medium',
  many: 'medium',
  slow: 'medium',
  system: 'low',
  inside: 'low',
  'old password': 'info',
}

const isFast = ({ recent }: Assault, { fastAttempts, fastMs }: Settings): boolean => {
  const first = recent.at(-fastAttempts)
  return first !== undefined && recent.at(-1)![0] - first[0] <= fastMs
}

// Who tries a list of common names meets a real one now and then.
const realShare = 0.2
const isSpray = (assault: Assault, noise: Noise | null, { sprayAccounts }: Settings): boolean => {
  const count = accountsOf(assault, 'stranger')
  return count >= sprayAccounts && count >= realShare * (count + (noise?.count ?? 0))
}

const mostOfMachineGapMs = 60_000
const isInside = (assault: Assault, { familiarAttempts, familiarAccounts }: Settings): boolean => {
  if (accountsOf(assault, 'familiar') >= familiarAccounts) return true
  const count = attemptsOf(assault, 'familiar')
  return count >= familiarAttempts && (assault.lastMs - assault.firstMs) / count < mostOfMachineGapMs
}

const isOldPassword = ({ accounts }: Assault, { fastAttempts }: Settings): boolean =>
  accounts.some(({ relation, count }) => (relation === 'machine' || relation === 'familiar') && count >= fastAttempts)

const tests: Record<Attack, (assault: Assault, noise: Noise | null, settings: Settings) => boolean> = {
  spray: isSpray,
  fast: (assault, _, settings) => isFast(assault, settings),
  many: (assault, _, settings) => attemptsOf(assault, 'stranger') >= settings.dayAttempts,
  slow: (assault, _, { slowAttempts, slowGapMs }) =>
    attemptsOf(assault, 'stranger') >= slowAttempts && medianGapMs(assault) > slowGapMs,
  system: (assault, _, { systemAttempts }) => attemptsOf(assault, 'system') >= systemAttempts,
  inside: (assault, _, settings) => isInside(assault, settings),
  'old password': (assault, _, settings) => isOldPassword(assault, settings),
}

/** What it is by now; what was said before is only said worse. */
export const attackOf = (assault: Assault, noise: Noise | null, settings: Settings): Attack | null => {
  const told = order.indexOf(assault.told as Attack)
  const worse = told < 0 ? order : order.slice(0, told)
  return worse.find((attack) => tests[attack](assault, noise, settings)) ?? (assault.told as Attack | null)
}
