import { type Sshd, setting } from '../read/sshd.ts'
import type { Check } from '../verdict.ts'
import { acrossUsers } from './across-users.ts'

const tunnels = ['allowtcpforwarding', 'allowstreamlocalforwarding', 'permittunnel']
const lesser = ['allowagentforwarding', 'x11forwarding', 'gatewayports']

const allowed = (sshd: Sshd, keywords: readonly string[]): string[] =>
  keywords.filter((keyword) => !['no', ''].includes(setting(sshd, keyword)))

export const forwardingAllowed: Check = {
  id: 'forwarding-allowed',
  about: 'a tunnel can be opened, which nobody can record (`warn`: only agent or X11 forwarding)',
  fix: 'in the Match block of the recipe: AllowTcpForwarding no, AllowStreamLocalForwarding no, PermitTunnel no, AllowAgentForwarding no, X11Forwarding no, GatewayPorts no',
  judge: (view) =>
    acrossUsers(view, (sshd) => {
      if (setting(sshd, 'disableforwarding') === 'yes') return { status: 'ok', detail: { allowed: [] } }
      const open = allowed(sshd, tunnels)
      const more = allowed(sshd, lesser)
      return {
        status: open.length > 0 ? 'fail' : more.length > 0 ? 'warn' : 'ok',
        detail: { allowed: [...open, ...more] },
      }
    }),
}
