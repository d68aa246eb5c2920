import { median, withSample } from '../../baselines/robust.ts'

/** Failed logins of one address. Plain JSON, bounded. */

/** machine: a script with an old password. */
export type Relation = 'stranger' | 'familiar' | 'machine' | 'system'
export type Account = { user: string; count: number; relation: Relation }
/** What was aimed at real accounts, since it was last quiet. `recent`: times of attempts of strangers, and at whom. */
export type Assault = {
  firstMs: number
  lastMs: number
  count: number
  accounts: readonly Account[] // of those who have not got in since
  isMore: boolean // accounts than these
  recent: readonly (readonly [timeMs: number, user: string])[]
  bastion: string
  told: string | null // which kind of attack was said of it
}
/** What was aimed at names nobody has, on one day. */
export type Noise = { day: number; firstMs: number; lastMs: number; count: number; names: readonly string[] }
export type AddressRecord = { ip: string; lastMs: number; assault: Assault | null; noise: Noise | null }

const maxAccounts = 24
const maxRecent = 20
const maxNames = 12

export const newAssault = (timeMs: number, bastion: string): Assault => ({
  firstMs: timeMs,
  lastMs: timeMs,
  count: 0,
  accounts: [],
  isMore: false,
  recent: [],
  bastion,
  told: null,
})

const withAttempt = (accounts: readonly Account[], user: string, relation: Relation): readonly Account[] => {
  if (accounts.some((account) => account.user === user))
    return accounts.map((one) => (one.user === user ? { ...one, relation, count: one.count + 1 } : one))
  return accounts.length < maxAccounts ? [...accounts, { user, relation, count: 1 }] : accounts
}

export const assaulted = (before: Assault, user: string, relation: Relation, timeMs: number): Assault => {
  const accounts = withAttempt(before.accounts, user, relation)
  return {
    ...before,
    firstMs: Math.min(before.firstMs, timeMs),
    lastMs: Math.max(before.lastMs, timeMs),
    count: before.count + 1,
    accounts,
    isMore: before.isMore || accounts === before.accounts,
    recent: relation === 'stranger' ? withSample(before.recent, [timeMs, user] as const, maxRecent) : before.recent,
  }
}

/** The person got in after all: these were typing mistakes. What was alerted is not taken back. */
export const forgiven = (before: Assault, user: string): Assault | null => {
  const account = before.accounts.find((one) => one.user === user)
  if (!account || (before.told !== null && before.told !== 'old password')) return before
  const accounts = before.accounts.filter((one) => one.user !== user)
  if (accounts.length === 0 && !before.isMore) return null
  const recent = before.recent.filter(([, at]) => at !== user)
  return { ...before, accounts, recent, count: before.count - account.count }
}

export const noisier = (before: Noise | null, name: string, timeMs: number, day: number): Noise => {
  if (before === null || before.day !== day)
    return { day, firstMs: timeMs, lastMs: timeMs, count: 1, names: name === '' ? [] : [name] }
  const isNew = name !== '' && before.names.length < maxNames && !before.names.includes(name)
  return {
    day,
    firstMs: Math.min(before.firstMs, timeMs),
    lastMs: Math.max(before.lastMs, timeMs),
    count: before.count + 1,
    names: isNew ? [...before.names, name] : before.names,
  }
}

export const attemptsOf = ({ accounts }: Assault, relation: Relation): number =>
  accounts.reduce((sum, account) => sum + (account.relation === relation ? account.count : 0), 0)

export const accountsOf = ({ accounts }: Assault, relation: Relation): number =>
  accounts.filter((account) => account.relation === relation).length

export const medianGapMs = ({ recent }: Assault): number =>
  median(recent.slice(1).map(([timeMs], at) => timeMs - recent[at]![0]))
