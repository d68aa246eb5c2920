import type { Check } from '../verdict.ts'
import { acrossUsers } from './across-users.ts'
import { limitOf, wildcardAddresses } from './source-limits.ts'

export const listenAddress: Check = {
  id: 'listen-address',
  about: 'sshd listens on every address (0.0.0.0, ::) and nothing restricts who reaches it',
  fix: 'in sshd_config: ListenAddress with the one address that people use, or restrict sources (source-restriction)',
  judge: (view) =>
    acrossUsers(view, (sshd, user) => {
      const addresses = wildcardAddresses(sshd)
      const by = limitOf(view, sshd, user)
      return { status: addresses.length > 0 && by === null ? 'fail' : 'ok', detail: { addresses, by } }
    }),
}
