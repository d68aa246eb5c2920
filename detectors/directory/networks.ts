import ipaddr from 'ipaddr.js'
import type { DirectoryTables } from '#services/schema/directory.ts'
import type { KnownNetwork } from './directory.ts'
import { startMsOf } from './moment.ts'

/** Address or CIDR as bits and how many of them count; an IPv4 address in IPv6 clothes is one. Null: neither. */
const rangeOf = (text: string): { bytes: number[]; prefix: number } | null => {
  if (text.length > 64) return null
  // The library finds out by an exception that an address is no CIDR: too slow for what is asked of every login.
  if (!text.includes('/')) return ipaddr.isValid(text) ? bytesRange(ipaddr.process(text).toByteArray()) : null
  if (!ipaddr.isValidCIDR(text)) return null
  const [address, prefix] = ipaddr.parseCIDR(text)
  return { bytes: address.toByteArray(), prefix }
}
const bytesRange = (bytes: number[]) => ({ bytes, prefix: bytes.length * 8 })

const keyOf = (bytes: readonly number[], prefix: number): string => {
  const whole = prefix >> 3
  const rest = prefix & 7
  const partial = rest === 0 ? [] : [bytes[whole]! & (0xff00 >> rest)]
  return `${bytes.length}/${prefix}/${[...bytes.slice(0, whole), ...partial].join('.')}`
}

/** Ranges with what they stand for; the narrowest that holds an address comes first. */
export const createRanges = <T>(entries: readonly { range: string; row: T }[]) => {
  const byKey = new Map<string, T[]>()
  const prefixes: Record<4 | 16, Set<number>> = { 4: new Set(), 16: new Set() }
  for (const { range, row } of entries) {
    const parsed = rangeOf(range)
    if (!parsed) continue
    prefixes[parsed.bytes.length as 4 | 16].add(parsed.prefix)
    const key = keyOf(parsed.bytes, parsed.prefix)
    byKey.set(key, [...(byKey.get(key) ?? []), row])
  }
  const narrowFirst = (length: 4 | 16) => [...prefixes[length]].sort((a, b) => b - a)
  const order = { 4: narrowFirst(4), 16: narrowFirst(16) }
  return {
    isEmpty: byKey.size === 0,
    of: (ip: string): T[] => {
      const address = rangeOf(ip)
      if (!address) return []
      return order[address.bytes.length as 4 | 16].flatMap((prefix) => byKey.get(keyOf(address.bytes, prefix)) ?? [])
    },
  }
}

type Timed = KnownNetwork & { fromMs: number }
const maxKnown = 20_000

const timed = (from: string | null | undefined, known: KnownNetwork): Timed => ({
  ...known,
  fromMs: from ? startMsOf(from, 'UTC') : Number.NEGATIVE_INFINITY,
})

export const createNetworks = (tables: DirectoryTables) => {
  const ranges = createRanges<Timed>([
    ...tables['networks.office'].map(({ cidr, site = null, from }) => ({
      range: cidr,
      row: timed(from, { kind: 'office', site, account: null }),
    })),
    ...tables['networks.vpn'].map(({ cidr, from }) => ({
      range: cidr,
      row: timed(from, { kind: 'vpn', site: null, account: null }),
    })),
    ...tables['networks.automation'].map(({ cidr, account = null, from }) => ({
      range: cidr,
      row: timed(from, { kind: 'automation', site: null, account }),
    })),
  ])
  const looked = new Map<string, Timed[]>()
  return (ip: string, atMs: number): KnownNetwork | null => {
    if (ranges.isEmpty) return null
    let found = looked.get(ip)
    if (!found) {
      found = ranges.of(ip)
      if (looked.size >= maxKnown) looked.clear()
      looked.set(ip, found)
    }
    return found.find(({ fromMs }) => fromMs <= atMs) ?? null
  }
}
