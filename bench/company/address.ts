import type { Random } from './random.ts'

export type Prefix = { base: number; bits: number }
export type Isp = { country: string; prefixes: Prefix[]; v6: string }

const reserved = new Set([0, 10, 100, 127, 169, 172, 192, 198, 203])

const dotted = (ip: number) => [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join('.')
export const cidrOf = ({ base, bits }: Prefix) => `${dotted(base)}/${bits}`
const sizeOf = ({ bits }: Prefix) => 2 ** (32 - bits)

export const addressIn = (random: Random, prefix: Prefix) =>
  dotted((prefix.base + random.int(1, Math.max(1, sizeOf(prefix) - 2))) >>> 0)

/** The network of `bits` around an address. */
export const aroundAddress = (ip: string, bits: number): Prefix => {
  const number = ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  return { base: Math.floor(number / 2 ** (32 - bits)) * 2 ** (32 - bits), bits }
}

/** Hands out networks that never overlap: each takes a /12 of its own. */
export const createAddressPlan = (random: Random) => {
  const taken = new Set<number>()
  const slot = (): number => {
    for (;;) {
      const first = random.int(2, 222)
      const key = first * 16 + random.int(0, 15)
      if (reserved.has(first) || taken.has(key)) continue
      taken.add(key)
      return key * 2 ** 20
    }
  }
  const publicPrefix = (bits: number): Prefix => {
    const base = slot()
    const room = 2 ** Math.max(0, bits - 12)
    return { base: base + random.int(0, room - 1) * 2 ** (32 - bits), bits }
  }
  let privateNext = random.int(1, 60)
  const privatePrefix = (bits: number): Prefix => {
    privateNext += random.int(1, 9)
    return {
      base: 10 * 2 ** 24 + (privateNext % 256) * 2 ** 16 + random.int(0, 2 ** (bits - 16) - 1) * 2 ** (32 - bits),
      bits,
    }
  }
  const isp = (country: string): Isp => ({
    country,
    prefixes: Array.from({ length: random.int(2, 5) }, () => publicPrefix(random.int(14, 18))),
    v6: `2${random.pick(['001', '003', '400', '600', 'a00', 'a02', 'a01'])}:${random.hex(4).replace(/^0+/, 'c')}`,
  })
  return { publicPrefix, privatePrefix, isp }
}
export type AddressPlan = ReturnType<typeof createAddressPlan>

/** A fresh lease: mostly near the last, sometimes elsewhere at the same provider. */
export const leaseOf = (random: Random, isp: Isp, near: string | null): string =>
  near !== null && random.chance(0.6)
    ? addressIn(random, aroundAddress(near, random.pick([22, 23, 24])))
    : addressIn(random, random.pick(isp.prefixes))

export const v6Site = (random: Random, isp: Isp) =>
  `${isp.v6}:${random.hex(4).replace(/^0+/, 'a')}:${random.int(1, 9)}${random.hex(2)}`
export const v6Address = (random: Random, site: string) =>
  `${site}:${Array.from({ length: 4 }, () => random.hex(4).replace(/^0+/, 'b')).join(':')}`
