import type { BaseChain } from './firewall/chains.ts'
import type { Account } from './read/accounts.ts'
import type { AuthorizedKey } from './read/authorized-keys.ts'
import type { Sshd } from './read/sshd.ts'
import type { SudoDefault } from './read/sudoers.ts'
import type { Read } from './verdict.ts'

/** sshd's settings as they count for each account that can log in, from an address outside. `user` null: for anybody. */
export type SshdViews = { views: { user: string | null; sshd: Sshd }[]; usersNotLookedAt: number }
export type AccountKeys = {
  user: string
  keys: AuthorizedKey[]
  /** When the newest of the account's files was written: no key in them is younger. */
  changedAtMs: number
  linesNotUnderstood: number
}
export type Keys = { accounts: AccountKeys[]; notLookedAt: { user: string; reason: string }[] }
export type Updates = { pending: { name: string; version: string }[]; listsAtMs: number | null; unattended: boolean }

/** Everything a run has looked at: what the checks judge. */
export type View = {
  nowMs: number
  accounts: Read<Account[]>
  /** Users whose password opens their account. */
  passwords: Read<ReadonlySet<string>>
  sshd: Read<SshdViews>
  keys: Read<Keys>
  sudoers: Read<SudoDefault[]>
  firewall: Read<BaseChain[]>
  updates: Read<Updates>
  compilers: Read<string[]>
  /** When something that goes on was seen first: `key USER FINGERPRINT`, `update NAME VERSION`. */
  firstSeenMs(what: string): number | null
}
