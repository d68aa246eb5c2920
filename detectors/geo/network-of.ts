import ipaddr from 'ipaddr.js'
import { byAddress } from './by-address.ts'

/** The /24 of an IPv4 address, the /48 of an IPv6 one; null: it is no address. */
export const networkOf = byAddress((address) => {
  const bytes = address.toByteArray()
  return address.kind() === 'ipv4'
    ? `${bytes.slice(0, 3).join('.')}.0/24`
    : `${ipaddr.fromByteArray([...bytes.slice(0, 6), ...new Array<number>(10).fill(0)]).toString()}/48`
})
