import ipaddr from 'ipaddr.js'

const maxKnown = 50_000
const known = new Map<string, string | null>()

const compute = (ip: string): string | null => {
  if (ip.length > 64 || !ipaddr.isValid(ip)) return null
  const address = ipaddr.process(ip) // an IPv4 address in IPv6 clothes is one
  const bytes = address.toByteArray()
  return address.kind() === 'ipv4'
    ? `${bytes.slice(0, 3).join('.')}.0/24`
    : `${ipaddr.fromByteArray([...bytes.slice(0, 6), ...new Array<number>(10).fill(0)]).toString()}/48`
}

/** The /24 of an IPv4 address, the /48 of an IPv6 one; null: it is no address. */
export const networkOf = (ip: string): string | null => {
  const before = known.get(ip)
  if (before !== undefined) return before
  const network = compute(ip)
  if (known.size >= maxKnown) known.clear()
  known.set(ip, network)
  return network
}
