import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js'

const maxKnown = 50_000
const maxChars = 64

/** Looks up what an address is, and remembers the last ones; an IPv4 address in IPv6 clothes is one. Null: it is none. */
export const byAddress = <T>(look: (address: IPv4 | IPv6) => T | null): ((ip: string) => T | null) => {
  const known = new Map<string, T | null>()
  return (ip) => {
    const before = known.get(ip)
    if (before !== undefined) return before
    const found = ip.length <= maxChars && ipaddr.isValid(ip) ? look(ipaddr.process(ip)) : null
    if (known.size >= maxKnown) known.clear()
    known.set(ip, found)
    return found
  }
}
