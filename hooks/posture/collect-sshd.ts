import { type Account, canLogIn } from './read/accounts.ts'
import { readSshd, setting } from './read/sshd.ts'
import type { RunProgram } from './run-program.ts'
import { type Read, seen } from './verdict.ts'
import type { SshdViews } from './view.ts'

const maxUsers = 200
const outside = 'host=outside.invalid,addr=192.0.2.1' // RFC 2606, RFC 5737: no Match block for a place of ours holds

/** What sshd would do for everybody who can log in, from outside. Root does not count where sshd never lets him in. */
export const collectSshd = async (
  run: RunProgram,
  accounts: readonly Account[],
  configFile?: string,
): Promise<Read<SshdViews>> => {
  const file = configFile === undefined ? [] : ['-f', configFile]
  const effective = async (more: readonly string[]) => {
    const printed = await run('/usr/sbin/sshd', ['-T', ...file, ...more])
    return printed.ok ? seen(readSshd(printed.value)) : printed
  }
  const anybody = await effective([])
  if (!anybody.ok) return anybody
  const users = accounts.filter(canLogIn)
  const views: SshdViews['views'] = []
  for (const { user, uid } of users.slice(0, maxUsers)) {
    const sshd = await effective(['-C', `user=${user},${outside}`])
    if (!sshd.ok) return sshd
    if (uid === 0 && setting(sshd.value, 'permitrootlogin') === 'no') continue
    views.push({ user, sshd: sshd.value })
  }
  if (views.length === 0) views.push({ user: null, sshd: anybody.value })
  return seen({ views, usersNotLookedAt: Math.max(0, users.length - maxUsers) })
}
