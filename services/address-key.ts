import ipaddr from 'ipaddr.js'
import type { AddressRange } from './catalog/catalog.ts'

/** Addresses as text that orders like the addresses themselves, so that a network is a range. */

const mapped = (address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv6 =>
  address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress() : address
const hexOf = (bytes: readonly number[]): string => Buffer.from(bytes).toString('hex')

/** 32 hex digits, the same for an IPv4 address and its IPv4-mapped form; null for what is no address. */
export const addressKey = (text: string): string | null =>
  ipaddr.isValid(text) && (text.includes(':') || ipaddr.IPv4.isValidFourPartDecimal(text))
    ? hexOf(mapped(ipaddr.parse(text)).toByteArray())
    : null

const ipv4Offset = 96
const lastOf = (bytes: readonly number[], bits: number): number[] =>
  bytes.map((byte, at) => byte | (0xff >> Math.min(8, Math.max(0, bits - at * 8))))
const firstOf = (bytes: readonly number[], bits: number): number[] =>
  bytes.map((byte, at) => byte & ~(0xff >> Math.min(8, Math.max(0, bits - at * 8))))

/** The first and last key of a network in CIDR form, or of an address alone; null for anything else. */
export const addressRange = (text: string): AddressRange | null => {
  const single = addressKey(text)
  if (single !== null) return { from: single, to: single }
  if (addressKey(text.slice(0, text.lastIndexOf('/'))) === null || !ipaddr.isValidCIDR(text)) return null
  const [address, length] = ipaddr.parseCIDR(text)
  const bits = address instanceof ipaddr.IPv4 ? length + ipv4Offset : length
  const bytes = mapped(address).toByteArray()
  return { from: hexOf(firstOf(bytes, bits)), to: hexOf(lastOf(bytes, bits)) }
}
