import { setting } from '../read/sshd.ts'
import { type Check, judged, type Status } from '../verdict.ts'

const statusOf = new Map<string, Status>([
  ['no', 'ok'],
  ['forced-commands-only', 'warn'],
  ['prohibit-password', 'warn'],
  ['without-password', 'warn'],
])

export const rootLogin: Check = {
  id: 'root-login',
  about: 'root can log in: nobody knows who it was (`warn`: with a key only)',
  fix: 'in sshd_config: PermitRootLogin no',
  judge: (view) =>
    judged(view.sshd, ({ views }) => {
      // Root is left out of the views where he cannot log in.
      const root = views.find(({ user }) => user === 'root') ?? views.find(({ user }) => user === null)
      const permitRootLogin = root ? setting(root.sshd, 'permitrootlogin') : 'no'
      return [{ status: statusOf.get(permitRootLogin) ?? 'fail', detail: { permitRootLogin } }]
    }),
}
