import type { Look } from './look.ts'
import { type Account, canLogIn } from './read/accounts.ts'
import { type AuthorizedKey, readAuthorizedKeys } from './read/authorized-keys.ts'
import { type Sshd, words } from './read/sshd.ts'
import type { AccountKeys, Keys } from './view.ts'

const maxFilesPerUser = 8
const usual = ['.ssh/authorized_keys', '.ssh/authorized_keys2']

const tokens = (pattern: string, { user, uid, home }: Account): string =>
  pattern.replaceAll(/%([%huU])/g, (_, token: string) => ({ '%': '%', h: home, u: user, U: String(uid) })[token]!)

/** AuthorizedKeysFile (sshd_config(5)): from the home folder where it is not absolute. */
const keyFiles = (account: Account, sshd: Sshd | undefined): string[] => {
  const patterns = sshd?.has('authorizedkeysfile') ? words(sshd, 'authorizedkeysfile') : usual
  const files = patterns.slice(0, maxFilesPerUser).map((pattern) => tokens(pattern, account))
  return files.map((file) => (file.startsWith('/') ? file : `${account.home}/${file}`))
}

const keysOf = async (look: Look, account: Account, sshd: Sshd | undefined) => {
  const keys: AuthorizedKey[] = []
  const found: AccountKeys = { user: account.user, keys, changedAtMs: 0, linesNotUnderstood: 0 }
  let reason: string | null = null
  for (const file of keyFiles(account, sshd)) {
    const read = await look.text(file)
    if (!read.ok) {
      if (!read.reason.endsWith('is not there')) reason = read.reason
      continue
    }
    const { keys: more, linesNotUnderstood } = readAuthorizedKeys(read.value.text)
    keys.push(...more)
    found.linesNotUnderstood += linesNotUnderstood
    found.changedAtMs = Math.max(found.changedAtMs, read.value.changedAtMs)
  }
  return { found, reason }
}

/** The keys of everybody who can log in. */
export const collectKeys = async (
  look: Look,
  accounts: readonly Account[],
  sshdOf: (user: string) => Sshd | undefined,
): Promise<Keys> => {
  const keys: Keys = { accounts: [], notLookedAt: [] }
  for (const account of accounts.filter(canLogIn)) {
    const { found, reason } = await keysOf(look, account, sshdOf(account.user))
    if (found.keys.length > 0 || found.linesNotUnderstood > 0) keys.accounts.push(found)
    if (reason !== null) keys.notLookedAt.push({ user: account.user, reason })
  }
  return keys
}
