import { addressIn, aroundAddress, v6Address } from './address.ts'
import type { Context } from './context.ts'
import { homeAt, journeyAt, type Person } from './model.ts'
import type { Random } from './random.ts'
import { isDown } from './session.ts'

export type Origin = {
  ip: string
  kind: 'office' | 'home' | 'vpn' | 'vpn-unlisted' | 'mobile' | 'travel-listed' | 'travel-unlisted' | 'new-office'
  inside: boolean
}

const fromHome = (context: Context, random: Random, person: Person, day: number): Origin => {
  if (person.traits.mobile && random.chance(0.05)) {
    const [prefix] = person.carrier.prefixes
    const pool = aroundAddress(addressIn(random, { base: prefix?.base ?? 0, bits: 22 }), 24)
    return { ip: addressIn(random, { ...pool, bits: 26 }), kind: 'mobile', inside: false }
  }
  if (person.traits.vpnUser && random.chance(0.65)) {
    const pools = context.world.vpn.filter(({ fromDay }) => fromDay <= day)
    const last = pools.at(-1)
    const pool = last?.listed === false && random.chance(0.4) ? last : random.pick(pools.filter(({ listed }) => listed))
    return { ip: addressIn(random, pool.prefix), kind: pool.listed ? 'vpn' : 'vpn-unlisted', inside: true }
  }
  if (person.traits.ipv6)
    return { ip: v6Address(random.fork(`${person.user}${day}`), person.v6Site), kind: 'home', inside: false }
  return { ip: homeAt(person, day).ip, kind: 'home', inside: false }
}

/** Where a person works from; `away` = not from an office (night, weekend). */
export const originOf = (context: Context, random: Random, person: Person, day: number, away = false): Origin => {
  const journey = journeyAt(person, day)
  if (journey) {
    const hotel = context.random.fork(`hotel ${person.user} ${journey.fromDay}`)
    return {
      ip: addressIn(hotel, hotel.pick(journey.isp.prefixes)),
      kind: journey.listed ? 'travel-listed' : 'travel-unlisted',
      inside: false,
    }
  }
  const { newOffice, offices } = context.world
  const share = { eu: 0.45, sun: 0.35, ops: 0.5 }[context.world.profile]
  const atDesk = !away && context.random.fork(`desk ${person.user} ${day}`).chance(share)
  if (!atDesk) return fromHome(context, random, person, day)
  const moves =
    newOffice &&
    newOffice.country === person.country &&
    newOffice.fromDay <= day &&
    context.random.fork(`move ${person.user}`).chance(0.6)
  const office = moves ? newOffice : offices.find(({ country }) => country === person.country)
  if (!office) return fromHome(context, random, person, day)
  return { ip: random.pick(office.egress), kind: moves ? 'new-office' : 'office', inside: true }
}

/** Exactly the known home line. */
export const homeOrigin = (random: Random, person: Person, day: number): Origin => ({
  ip: person.traits.ipv6 ? v6Address(random.fork(`${person.user}${day}`), person.v6Site) : homeAt(person, day).ip,
  kind: 'home',
  inside: false,
})

/** A bastion the account may use from there and whose recorder is up; null when none is. */
export const bastionFor = (
  context: Context,
  random: Random,
  usual: string[],
  inside: boolean,
  ms: number,
): string | null => {
  const { bastions } = context.world
  const reachable = bastions
    .filter(({ name, internetFacing }) => (inside || internetFacing) && !isDown(context.world, name, ms))
    .map(({ name }) => name)
  const preferred = usual.filter((name) => reachable.includes(name))
  if (preferred.length > 0) return random.chance(0.75) ? preferred[0]! : random.pick(preferred)
  return reachable.length > 0 ? random.pick(reachable) : null
}
