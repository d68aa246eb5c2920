import type { Check } from '../verdict.ts'
import { acrossUsers } from './across-users.ts'
import { limitOf } from './source-limits.ts'

export const sourceRestriction: Check = {
  id: 'source-restriction',
  about:
    'logins are taken from any address: neither AllowUsers, nor from= of all keys, nor the firewall, nor ListenAddress says no',
  fix: 'AllowUsers *@NETWORK in sshd_config, from="NETWORK" before each key, or a firewall that lets only known networks reach the port',
  judge: (view) =>
    acrossUsers(view, (sshd, user) => {
      const by = limitOf(view, sshd, user)
      return { status: by === null ? 'fail' : 'ok', detail: { by } }
    }),
}
