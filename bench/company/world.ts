import { type AddressPlan, addressIn, createAddressPlan, type Isp } from './address.ts'
import { isHoliday } from './holidays.ts'
import type { Bastion, Host, Office, Person, Ticket, World } from './model.ts'
import { createNames } from './names.ts'
import { planPeople } from './people.ts'
import { foreign, places } from './places.ts'
import type { Random } from './random.ts'
import { planServices } from './services.ts'
import { dayMs, dayOf, isWeekend, minuteMs, toUtc, weekday } from './zone.ts'

type Options = { people: number; days: number; profile: World['profile'] }

const countriesOf = {
  eu: ['DE', 'FR', 'PT', 'PL', 'GB'],
  sun: ['DE', 'IN', 'US', 'SG', 'GB'],
  ops: ['DE', 'PL', 'US'],
}
/** The first day: so that clocks change after the learning month. */
const firstDayOf = (random: Random) =>
  dayOf(
    random.pick([
      '2025-02-10',
      '2025-02-24',
      '2025-08-28',
      '2025-09-15',
      '2026-02-09',
      '2026-02-23',
      '2026-08-27',
      '2026-09-14',
    ]),
  ) + random.int(0, 6)

const planBastions = (random: Random): Bastion[] => {
  const style = random.pick(['bastion', 'gate', 'jump', 'bst', 'hop'])
  const sites = random.shuffle(['fra1', 'ams2', 'sin1', 'iad1', 'lis1', 'waw1'])
  return Array.from({ length: random.int(3, 4) }, (_, i) => ({
    name: `${style}${random.pick(['-', ''])}${i + 1}.${sites[i]}`,
    internetFacing: i < 2,
    site: sites[i]!,
    agent: `${style}-agent-${random.hex(6)}`,
  }))
}

const planHosts = (random: Random): Host[] => {
  const groups: [string, number][] = [
    ['web', 14],
    ['app', 16],
    ['db', 10],
    ['fin', 4],
    ['log', 4],
    ['git', 2],
    ['ci', 3],
    ['dwh', 4],
    ['edge', 3],
  ]
  const prefix = random.pick(['', 'prd-', 'x', 'srv-'])
  return groups.flatMap(([group, count]) =>
    Array.from({ length: count }, (_, i) => ({
      name: `${prefix}${group}${random.chance(0.5) ? '-' : ''}${String(i + 1).padStart(2, '0')}`,
      group,
      env: i > count * 0.7 ? 'staging' : 'production',
    })),
  )
}

const planOffice = (random: Random, plan: AddressPlan, country: string, fromDay: number, second: boolean): Office => {
  const [site, lat, lon] = (places[country] ?? [])[second ? 1 : 0] as [string, number, number]
  const prefix = random.chance(0.5)
    ? plan.privatePrefix(random.pick([22, 23, 24]))
    : plan.publicPrefix(random.pick([24, 26, 27, 28]))
  const egress = Array.from({ length: prefix.bits < 25 ? 40 : 4 }, () => addressIn(random, prefix))
  return { prefix, egress, site, country, lat, lon, fromDay }
}

/** The last provider of every country has no customers among the staff. */
const planIsps = (plan: AddressPlan, countries: string[]): Map<string, Isp[]> =>
  new Map(
    [...countries, ...foreign.map(([country]) => country)].map((country) => [
      country,
      Array.from({ length: 7 }, () => plan.isp(country)),
    ]),
  )

const planMigration = (random: Random, world: Omit<World, 'migration'>): World['migration'] => {
  let saturday = world.firstDay + Math.floor(world.days * random.between(0.5, 0.85))
  while (weekday(saturday) !== 6) saturday++
  const users = random
    .sample(
      world.people.filter(
        ({ role, joinedDay, leftDay }) =>
          (role === 'operations' || role === 'database') && joinedDay < saturday - 30 && leftDay === null,
      ),
      4,
    )
    .map(({ user }) => user)
  const target = random.pick(world.hosts.filter(({ group }) => group === 'db')).name
  return { days: [saturday, saturday + 1], users, target }
}

export const ticketId = (random: Random) => `${random.pick(['CHG', 'OPS', 'REQ'])}-${random.int(1000, 99999)}`

const migrationTicket = (random: Random, world: World): Ticket => {
  const [first] = world.migration.days as [number, number]
  return {
    id: ticketId(random),
    type: 'migration',
    users: world.migration.users,
    targets: [world.migration.target],
    sourceIps: [],
    start: first * dayMs - 6 * 60 * minuteMs,
    end: (first + 2) * dayMs + 6 * 60 * minuteMs,
    createdAt: (first - random.int(4, 14)) * dayMs + 9 * 60 * minuteMs,
  }
}

const planMaintenance = (random: Random, world: World) => {
  for (let i = 0; i < Math.max(2, Math.round(world.days / 12)); i++) {
    const day = world.firstDay + random.int(6, world.days - 3)
    const from = toUtc('Europe/Berlin', day, random.int(1200, 1320)) + random.int(0, 50_000)
    const to = from + random.int(25, 110) * minuteMs
    const bastion = random.pick(world.bastions).name
    if (!world.windows.some((window) => window.bastion === bastion && Math.abs(window.from - from) < dayMs))
      world.windows.push({ bastion, from, to, planned: true, status: 'stopped', detail: 'maintenance' })
  }
}

export const createWorld = (random: Random, { people, days, profile }: Options): World => {
  const plan = createAddressPlan(random.fork('addresses'))
  const names = createNames(random.fork('names'))
  const countries = countriesOf[profile]
  const firstDay = firstDayOf(random)
  const isps = planIsps(plan, countries)
  const offices = countries.map((country) => planOffice(random, plan, country, firstDay - 900, false))
  const newOffice =
    days > 50 ? planOffice(random, plan, countries[0]!, firstDay + random.int(38, days - 10), true) : null
  const bastions = planBastions(random)
  const hosts = planHosts(random)
  const staff: Person[] = planPeople(random.fork('people'), {
    names,
    people,
    days,
    firstDay,
    profile,
    countries,
    isps,
    bastions,
    hosts,
  })
  const pool = () => (random.chance(0.5) ? plan.publicPrefix(random.pick([25, 26, 27])) : plan.privatePrefix(24))
  const base = {
    profile,
    firstDay,
    days,
    learnDays: 30,
    people: staff,
    services: planServices(random.fork('services'), { names, plan, bastions, hosts, firstDay, days }),
    bastions,
    hosts,
    offices: newOffice ? [...offices, newOffice] : offices,
    vpn: [
      { prefix: pool(), fromDay: firstDay - 400, listed: true },
      { prefix: pool(), fromDay: firstDay - 400, listed: true },
      {
        prefix: plan.publicPrefix(26),
        fromDay: firstDay + Math.floor(days * random.between(0.42, 0.6)),
        listed: false,
      },
    ],
    isps,
    tickets: [],
    windows: [],
    holidayCountries: countries,
    expiryDays: [firstDay + random.int(8, 25), firstDay + random.int(33, days - 5)].map((day) => workingDay(day)),
    newOffice,
  }
  const world: World = { ...base, migration: planMigration(random, { ...base }) }
  if (world.migration.days[0]! <= firstDay + days - 3) world.tickets.push(migrationTicket(random, world))
  planMaintenance(random, world)
  return world
}

const workingDay = (day: number): number => (isWeekend(day) ? workingDay(day + 1) : day)

/** Would this person ordinarily work on that local day? */
export const worksOn = (person: Person, day: number): boolean => {
  if (day < person.joinedDay || (person.leftDay !== null && day >= person.leftDay) || person.leave.has(day))
    return false
  if (person.traits.shift) return person.shifts.has(day)
  return !isWeekend(day) && !isHoliday(person.country, day)
}
