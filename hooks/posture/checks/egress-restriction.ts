import { egressClosed } from '../firewall/chains.ts'
import { type Check, judged } from '../verdict.ts'

export const egressRestriction: Check = {
  id: 'egress-restriction',
  about: '`warn`: the firewall of the bastion lets connections out to anywhere, by IPv4 or IPv6',
  fix: 'nftables: an output chain with policy drop that accepts the hosts people work on, name servers, time and Bartizan; skip this where the network in front does it',
  judge: (view) =>
    judged(view.firewall, (chains) => {
      const closed = egressClosed(chains)
      const open = (['ipv4', 'ipv6'] as const).filter((family) => !closed.includes(family))
      return [{ status: open.length === 0 ? 'ok' : 'warn', detail: { open } }]
    }),
}
