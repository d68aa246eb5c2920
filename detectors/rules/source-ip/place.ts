import ipaddr from 'ipaddr.js'
import type { GeoLookup } from '../../geo/geo.ts'
import { networkOf } from '../../geo/network-of.ts'

/** Where an address is, as far as anybody says. `head`: its first 32 bits. */
export type Place = {
  ip: string
  network: string
  isV6: boolean
  head: number
  asn: number | null
  country: string | null
}

/** Null: it is no address. */
export const placeOf = (ip: string, geo: GeoLookup): Place | null => {
  const network = networkOf(ip)
  if (network === null) return null
  const bytes = ipaddr.process(ip).toByteArray()
  const found = geo(ip)
  return {
    ip,
    network,
    isV6: bytes.length === 16,
    head: ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0,
    asn: found?.asn ?? null,
    country: found?.country ?? null,
  }
}

export type NearBits = { nearBits4: number; nearBits6: number }

/** What both have in common when they are of one provider: its number, or how their addresses begin. */
export const providerOf = ({ asn, isV6, head }: Place, { nearBits4, nearBits6 }: NearBits): string => {
  if (asn !== null) return `AS${asn}`
  const bits = Math.min(32, isV6 ? nearBits6 : nearBits4)
  return `${isV6 ? 'v6' : 'v4'} ${bits === 0 ? 0 : head >>> (32 - bits)}`
}

export const isSameProvider = (a: Place, b: Place, near: NearBits): boolean =>
  (a.country === null || b.country === null || a.country === b.country) && providerOf(a, near) === providerOf(b, near)
