import ipaddr from 'ipaddr.js'
import type { GeoLookup } from '../../geo/geo.ts'
import { networkOf } from '../../geo/network-of.ts'

/** Where an address is, as far as anybody says. `provider`: its number, or how its addresses begin. */
export type Place = {
  ip: string
  network: string
  provider: string
  country: string | null
}
export type NearBits = { nearBits4: number; nearBits6: number }

const firstBits = (bytes: readonly number[], bits: number): number => {
  const head = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
  return bits === 0 ? 0 : head >>> (32 - Math.min(32, bits))
}

/** Null: it is no address. */
export const placeOf = (ip: string, geo: GeoLookup, { nearBits4, nearBits6 }: NearBits): Place | null => {
  const network = networkOf(ip)
  if (network === null) return null
  const bytes = ipaddr.process(ip).toByteArray()
  const found = geo(ip)
  const alike = bytes.length === 4 ? `4/${firstBits(bytes, nearBits4)}` : `6/${firstBits(bytes, nearBits6)}`
  return { ip, network, provider: found?.asn ? `AS${found.asn}` : alike, country: found?.country ?? null }
}

export const isSameProvider = (a: Place, b: Place): boolean =>
  a.provider === b.provider && (a.country === null || b.country === null || a.country === b.country)
