import { asksByKeyboard, methodLists, type Sshd, setting } from '../read/sshd.ts'
import type { Check } from '../verdict.ts'
import { acrossUsers } from './across-users.ts'

const isPassword = (method: string): boolean => method === 'password' || method === 'keyboard-interactive'

/** What PAM asks by keyboard-interactive is a password first of all. */
const opensAlone = (sshd: Sshd): string[] => {
  const lists = methodLists(sshd)
  const offered = [
    ...(setting(sshd, 'passwordauthentication') === 'yes' ? ['password'] : []),
    ...(asksByKeyboard(sshd) ? ['keyboard-interactive'] : []),
  ]
  if (lists === null) return offered
  return lists
    .filter((list) => list.every(isPassword) && list.some((method) => offered.includes(method)))
    .map((list) => list.join(','))
}

export const passwordAuthentication: Check = {
  id: 'password-authentication',
  about: 'a password alone lets somebody in',
  fix: 'in sshd_config: PasswordAuthentication no, KbdInteractiveAuthentication no, or AuthenticationMethods publickey,keyboard-interactive',
  judge: (view) =>
    acrossUsers(view, (sshd, user) => {
      // Of root sshd takes no password then (sshd_config(5), PermitRootLogin).
      const isSpared = user === 'root' && setting(sshd, 'permitrootlogin') !== 'yes'
      const methods = isSpared ? [] : opensAlone(sshd)
      return { status: methods.length === 0 ? 'ok' : 'fail', detail: { methods } }
    }),
}
