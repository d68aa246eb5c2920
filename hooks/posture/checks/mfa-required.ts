import { methodLists, type Sshd, setting } from '../read/sshd.ts'
import type { Check } from '../verdict.ts'
import { acrossUsers } from './across-users.ts'

/** hostbased says where somebody is, which proves nothing of who he is. */
const factorOf = new Map([
  ['publickey', 'possession'],
  ['gssapi-with-mic', 'possession'],
  ['password', 'knowledge'],
  ['keyboard-interactive', 'knowledge'],
])

/** A key that lives in a token and asks for its PIN is two factors (sshd_config(5), PubkeyAuthOptions verify-required). */
const asksForPin = (sshd: Sshd): boolean =>
  setting(sshd, 'pubkeyauthoptions').split(/[\s,]/).includes('verify-required')

const isTwoFactors = (list: readonly string[], pin: boolean): boolean =>
  new Set(list.flatMap((method) => factorOf.get(method) ?? [])).size > 1 || (pin && list.includes('publickey'))

export const mfaRequired: Check = {
  id: 'mfa-required',
  about: 'somebody gets in with one factor',
  fix: 'in sshd_config: AuthenticationMethods publickey,keyboard-interactive:pam with a second factor in PAM, or keys in tokens with PubkeyAuthOptions verify-required',
  judge: (view) =>
    acrossUsers(view, (sshd) => {
      const pin = asksForPin(sshd)
      const lists = methodLists(sshd)
      const oneFactor = lists?.filter((list) => !isTwoFactors(list, pin)).map((list) => list.join(',')) ?? ['any']
      return { status: oneFactor.length === 0 ? 'ok' : 'fail', detail: { oneFactor: oneFactor.slice(0, 20) } }
    }),
}
