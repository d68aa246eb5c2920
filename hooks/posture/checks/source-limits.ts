import { sourceClosed } from '../firewall/chains.ts'
import { isRestricted } from '../read/authorized-keys.ts'
import { asksByKeyboard, listening, type Sshd, setting, words } from '../read/sshd.ts'
import type { View } from '../view.ts'
import { hasOtherKeys } from './across-users.ts'

const anywhere = /^(?:0\.0\.0\.0|::|\*)$/
const nearby = /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|::1$|f[cd][0-9a-f]{2}:|fe80:)/i

export const wildcardAddresses = (sshd: Sshd): string[] => {
  const addresses = listening(sshd).map(({ address }) => address)
  return addresses.length === 0 ? ['0.0.0.0', '::'] : addresses.filter((address) => anywhere.test(address))
}

const byUsers = (sshd: Sshd): boolean => {
  const patterns = words(sshd, 'allowusers')
  return patterns.length > 0 && patterns.every((pattern) => /@(?!(?:\*|0\.0\.0\.0\/0|::\/0)$)./.test(pattern))
}

const byFirewall = (view: View, sshd: Sshd): boolean => {
  if (!view.firewall.ok) return false
  const chains = view.firewall.value
  const addresses = listening(sshd)
  const all =
    addresses.length > 0
      ? addresses
      : [
          { address: '::', port: 22 },
          { address: '0.0.0.0', port: 22 },
        ]
  return all.every(({ address, port }) => sourceClosed(chains, port).includes(address.includes(':') ? 'ipv6' : 'ipv4'))
}

/** Every key of the user names where it may come from, and nothing but a key lets him in. */
const byKeys = (view: View, sshd: Sshd, user: string | null): boolean => {
  if (!view.keys.ok || hasOtherKeys(sshd)) return false
  if (setting(sshd, 'passwordauthentication') === 'yes' || asksByKeyboard(sshd)) return false
  const { accounts, notLookedAt } = view.keys.value
  const own = accounts.find((account) => account.user === user)?.keys ?? []
  return own.length > 0 && own.every(isRestricted) && !notLookedAt.some((account) => account.user === user)
}

const byAddress = (sshd: Sshd): boolean => {
  const addresses = listening(sshd)
  return addresses.length > 0 && addresses.every(({ address }) => nearby.test(address))
}

/** What keeps strangers from even trying; null: nothing that is known. */
export const limitOf = (view: View, sshd: Sshd, user: string | null): string | null => {
  if (byUsers(sshd)) return 'AllowUsers'
  if (byFirewall(view, sshd)) return 'firewall'
  if (byAddress(sshd)) return 'ListenAddress'
  return byKeys(view, sshd, user) ? 'from=' : null
}
