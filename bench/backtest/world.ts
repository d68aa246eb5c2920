import { createDice, type Dice } from './dice.ts'
import { isoDate, weekday } from './zone-time.ts'

/** A company of some hundred people, their places, plans and habits. All of it follows from the seed. */

export const dayMs = 86_400_000
const zonesOf: Record<string, string[]> = {
  DE: ['Europe/Berlin'],
  GB: ['Europe/London'],
  US: ['America/New_York', 'America/Chicago', 'America/Los_Angeles'],
  IN: ['Asia/Kolkata'],
  PL: ['Europe/Warsaw'],
}
const abroad = ['BR', 'VN', 'NG', 'RO', 'TR', 'ID', 'AR', 'UA', 'PH', 'KR']

/** An access provider: addresses come and go within its networks. */
export type Provider = { country: string; asn: number; prefixes: string[] }
export type Role = 'developer' | 'operator' | 'database' | 'on-call' | 'shift' | 'contractor'
export type Person = {
  user: string
  role: Role
  country: string
  zone: string
  movesTo: { zone: string; country: string; day: number } | null
  startHour: number
  endHour: number
  isLate: boolean // works into the night now and then
  officeShare: number
  vpnShare: number
  home: Provider
  homeNetwork: string
  homeChangesEvery: number // days
  joinedDay: number
  leftDay: number
  isAdmin: boolean // becomes root as a matter of course
  sessionsPerDay: number
  transferMedian: number // bytes
  hosts: string[]
  leave: { from: number; to: number; isListed: boolean } | null
  travel: { from: number; to: number; provider: Provider; zone: string; country: string; isListed: boolean } | null
}
export type Service = {
  user: string
  ip: string
  hours: number[]
  minute: number
  bytes: number
  isListed: boolean
  isConfigManagement: boolean
  perDay: number // sessions besides those at fixed hours
}
export type World = {
  seed: number
  dice: Dice
  startMs: number
  days: number
  people: Person[]
  services: Service[]
  bastions: { name: string; internetFacing: boolean }[]
  hosts: string[]
  office: string // /24
  vpn: string[]
  newVpn: { prefix: string; fromDay: number } // nobody told the directory
  providers: Provider[]
  holidays: { country: string; day: number }[]
  onCall: { user: string; from: number; to: number; isListed: boolean }[] // days
  shifts: { user: string; day: number; startHour: number }[]
  expiryDay: number
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz'

const prefix16 = (dice: Dice, taken: Set<string>): string => {
  for (;;) {
    const prefix = `${dice.whole(24, 222)}.${dice.whole(0, 255)}`
    if (taken.has(prefix) || prefix.startsWith('127.') || prefix.startsWith('172.') || prefix.startsWith('192.'))
      continue
    taken.add(prefix)
    return prefix
  }
}
export const networkIn = ({ prefixes }: Provider, dice: Dice): string => `${dice.pick(prefixes)}.${dice.whole(0, 255)}`
export const hostIn = (network: string, dice: Dice): string => `${network}.${dice.whole(2, 250)}`

const createProviders = (dice: Dice, taken: Set<string>): Provider[] =>
  [...Object.keys(zonesOf), ...abroad].flatMap((country) =>
    Array.from({ length: 3 }, (_, n) => ({
      country,
      asn: 1_000 + taken.size * 10 + n,
      prefixes: [prefix16(dice, taken), prefix16(dice, taken)],
    })),
  )

const nameOf = (dice: Dice, taken: Set<string>): string => {
  for (;;) {
    const user = Array.from({ length: dice.whole(4, 8) }, () => dice.pick([...alphabet])).join('')
    if (taken.has(user)) continue
    taken.add(user)
    return user
  }
}

const roleOf = (n: number): Role => {
  if (n % 10 < 5) return 'developer'
  return (['operator', 'operator', 'database', 'on-call', n % 20 < 10 ? 'shift' : 'contractor'] as const)[(n % 10) - 5]!
}

const createPerson = (
  n: number,
  world: Pick<World, 'dice' | 'days' | 'hosts' | 'providers'>,
  names: Set<string>,
): Person => {
  const { dice, days, hosts, providers } = world
  const role = roleOf(n)
  const country = dice.pick(['DE', 'DE', 'GB', 'US', 'US', 'IN', 'PL'])
  const zone = dice.pick(zonesOf[country]!)
  const home = dice.pick(providers.filter((provider) => provider.country === country))
  const startHour = dice.chance(0.12) ? dice.between(5.5, 6.8) : dice.normal(9, 0.6)
  const goesAway = dice.whole(35, days - 8)
  const elsewhere = dice.pick(providers.filter((provider) => provider.country !== country))
  return {
    user: nameOf(dice, names),
    role,
    country,
    zone,
    movesTo: dice.chance(0.02) ? { zone: 'Asia/Kolkata', country: 'IN', day: dice.whole(35, days - 20) } : null,
    startHour,
    endHour: startHour + dice.normal(8.7, 0.5),
    isLate: dice.chance(0.1),
    officeShare: dice.between(0, 0.8),
    vpnShare: dice.between(0, 0.9),
    home,
    homeNetwork: networkIn(home, dice),
    homeChangesEvery: dice.chance(0.5) ? dice.whole(15, 60) : 1_000,
    joinedDay: dice.chance(0.06) ? dice.whole(15, days - 15) : -400,
    leftDay: dice.chance(0.03) ? dice.whole(40, days - 5) : 10_000,
    isAdmin: role === 'operator' || role === 'on-call' ? dice.chance(0.5) : false,
    sessionsPerDay: role === 'developer' ? dice.between(1, 3) : dice.between(2, 5),
    transferMedian: dice.lognormal(200_000, 1),
    hosts: dice.some(hosts, dice.whole(2, 8)),
    leave: dice.chance(0.7) ? { from: goesAway, to: goesAway + dice.whole(3, 10), isListed: dice.chance(0.8) } : null,
    travel: dice.chance(0.12)
      ? {
          from: goesAway - 7,
          to: goesAway - 7 + dice.whole(2, 5),
          provider: elsewhere,
          zone: zonesOf[elsewhere.country]?.[0] ?? zone,
          country: elsewhere.country,
          isListed: dice.chance(0.6),
        }
      : null,
  }
}

const createService = (dice: Dice, names: Set<string>, n: number, ip: string): Service => ({
  user: `svc-${nameOf(dice, names)}`,
  ip,
  hours: dice.some([0, 1, 2, 3, 4, 5, 6, 12, 18, 22], dice.whole(1, 3)),
  minute: dice.whole(0, 59),
  bytes: n % 3 === 0 ? dice.lognormal(2e9, 0.3) : 20_000,
  isListed: dice.chance(0.7),
  isConfigManagement: n === 1,
  perDay: n === 1 ? 40 : dice.whole(4, 20),
})

export const createWorld = (seed: number, { people: size, days }: { people: number; days: number }): World => {
  const dice = createDice(seed)
  const taken = new Set<string>()
  const names = new Set<string>()
  const providers = createProviders(dice, taken)
  const hosts = Array.from({ length: 60 }, (_, n) => `${dice.pick(['web', 'db', 'app', 'build'])}${n}`)
  const office = `${prefix16(dice, taken)}.${dice.whole(0, 255)}`
  const vpnNet = prefix16(dice, taken)
  const automation = `10.${dice.whole(0, 255)}.${dice.whole(0, 255)}`
  const people = Array.from({ length: size }, (_, n) => createPerson(n, { dice, days, hosts, providers }, names))
  const onCallPeople = people.filter(({ role }) => role === 'on-call')
  const shiftPeople = people.filter(({ role }) => role === 'shift')
  const startMs = Date.UTC(2026, 0, 5) + dice.whole(0, 40) * 7 * dayMs
  return {
    seed,
    dice,
    startMs,
    days,
    people,
    services: Array.from({ length: 8 }, (_, n) => createService(dice, names, n, `${automation}.${10 + n}`)),
    bastions: [
      { name: 'bastion-eu', internetFacing: true },
      { name: 'bastion-us', internetFacing: true },
      { name: 'bastion-int', internetFacing: false },
    ],
    hosts,
    office,
    vpn: [`${vpnNet}.10`, `${vpnNet}.20`],
    newVpn: { prefix: `${prefix16(dice, taken)}.7`, fromDay: dice.whole(40, days - 15) },
    providers,
    holidays: Object.keys(zonesOf).flatMap((country) =>
      Array.from({ length: 3 }, () => ({ country, day: dice.whole(0, days - 1) })),
    ),
    onCall: Array.from({ length: Math.ceil(days / 7) }, (_, week) => ({
      user: onCallPeople[week % onCallPeople.length]!.user,
      from: week * 7,
      to: week * 7 + 7,
      isListed: dice.chance(0.85),
    })),
    shifts: shiftPeople.flatMap(({ user }, n) =>
      Array.from({ length: days }, (_, day) => ({
        user,
        day,
        startHour: [6, 14, 22][(n + Math.floor(day / 7)) % 3]!,
      })).filter(({ day }) => (day + n) % 7 < 5),
    ),
    expiryDay: weekdayFrom(dice.whole(40, days - 10)),
  }
}

/** The world starts on a Monday. */
const weekdayFrom = (day: number): number => day - Math.max(0, (day % 7) - 4)

/** The directory as its operator keeps it: some rows are missing, and some changes never reach it. */
export const directoryOf = (world: World) => {
  const { startMs, people, services, bastions, hosts, office, vpn, holidays, onCall, shifts } = world
  const iso = (day: number, hour = 0): string => new Date(startMs + day * dayMs + hour * 3_600_000).toISOString()
  return {
    policy: {
      recordingRequired: true,
      configManagement: services.filter((one) => one.isConfigManagement).map(({ user }) => user),
    },
    people: [
      ...people.map((person) => ({
        user: person.user,
        role: person.role,
        zone: person.zone,
        ...(person.movesTo && { zoneHistory: [{ zone: person.movesTo.zone, from: iso(person.movesTo.day) }] }),
        country: person.country,
        accountType: 'human',
        schedule: person.role === 'shift' ? 'shift' : 'office',
        ...(person.joinedDay > 0 && { joined: iso(person.joinedDay) }),
        ...(person.leftDay < 1_000 && { left: iso(person.leftDay) }),
      })),
      ...services.map(({ user }) => ({ user, accountType: 'service', zone: 'UTC' })),
    ],
    bastions,
    hosts: hosts.map((name) => ({ name, group: name.replace(/\d+$/, ''), env: 'production' })),
    networks: {
      office: [{ cidr: `${office}.0/24`, site: 'HQ', country: 'DE' }],
      vpn: vpn.map((prefix) => ({ cidr: `${prefix}.0/24` })),
      automation: services
        .filter(({ isListed }) => isListed)
        .map(({ ip, user }) => ({ cidr: `${ip}/32`, account: user })),
    },
    holidays: holidays.map(({ country, day }) => ({ country, date: isoDate(startMs + day * dayMs), name: 'holiday' })),
    rota: [
      ...onCall
        .filter(({ isListed }) => isListed)
        .map(({ user, from, to }) => ({ user, type: 'oncall', start: iso(from, 8), end: iso(to, 8) })),
      ...shifts.map(({ user, day, startHour }) => ({
        user,
        type: 'shift',
        start: iso(day, startHour - 1),
        end: iso(day, startHour + 9),
      })),
    ],
    leave: people.flatMap(({ user, leave }) =>
      leave?.isListed ? [{ user, type: 'holiday', start: iso(leave.from), end: iso(leave.to) }] : [],
    ),
    travel: people.flatMap(({ user, travel }) =>
      travel?.isListed
        ? [{ user, country: travel.country, city: 'somewhere', start: iso(travel.from), end: iso(travel.to) }]
        : [],
    ),
  }
}

export const isWorkday = (world: World, person: Person, day: number): boolean => {
  if (day < person.joinedDay || day >= person.leftDay) return false
  if (person.leave && day >= person.leave.from && day < person.leave.to) return false
  if (world.holidays.some((one) => one.day === day && one.country === person.country)) return false
  return weekday(world.startMs + day * dayMs) <= 5
}
