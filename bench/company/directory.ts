import { cidrOf } from './address.ts'
import { type Context, noteBenign } from './context.ts'
import { holidaysBetween } from './holidays.ts'
import { type Person, type Service, type World, zoneAt } from './model.ts'
import type { Random } from './random.ts'
import { dateOf, dayMs, iso, minuteMs, toUtc } from './zone.ts'

const shiftStart = { early: 360, late: 840, night: 1320 }

const personRow = (random: Random, person: Person, lastDay: number) => ({
  user: person.user,
  name: person.name,
  role: person.role,
  team: person.team,
  zone: person.zones[0]?.zone,
  ...(person.zones.length > 1 && random.chance(0.7)
    ? {
        zoneHistory: person.zones.map(({ zone, fromDay }) => ({
          zone,
          from: dateOf(Math.max(fromDay, person.joinedDay)),
        })),
      }
    : {}),
  country: person.country,
  accountType: 'human',
  joined: dateOf(person.joinedDay),
  ...(person.leftDay !== null && person.leftDay <= lastDay ? { left: dateOf(person.leftDay) } : {}),
  schedule: person.traits.shift ? 'shift' : 'office',
  keys: person.credentials.flatMap(({ from, credential }) =>
    credential.fingerprint ? [{ fingerprint: credential.fingerprint, enrolledAt: iso(from) }] : [],
  ),
})

/** Swaps are not in it: the plan as it was before anybody swapped. */
const shiftRows = (person: Person) =>
  [...person.shifts]
    .filter(([day]) => !person.swapped.has(day))
    .map(([day, kind]) => {
      const start = toUtc(zoneAt(person, day), day, shiftStart[kind])
      return { user: person.user, type: 'shift', start: iso(start), end: iso(start + 480 * minuteMs) }
    })

/** One row a week on call. */
const onCallRows = (person: Person) => {
  const rows: { user: string; type: string; start: string; end: string }[] = []
  const days = [...person.onCallDays.keys()].sort((a, b) => a - b)
  for (let i = 0; i < days.length; i += 7) {
    const first = days[i]!
    if (!person.onCallDays.get(first)) continue
    rows.push({
      user: person.user,
      type: 'oncall',
      start: iso(toUtc(zoneAt(person, first), first, 0)),
      end: iso(toUtc(zoneAt(person, first), first + 7, 0)),
    })
  }
  return rows
}

const spans = (days: Set<number>): [number, number][] => {
  const list: [number, number][] = []
  for (const day of [...days].sort((a, b) => a - b)) {
    const last = list.at(-1)
    if (last && last[1] === day - 1) last[1] = day
    else list.push([day, day])
  }
  return list
}

const policyOf = ({ people, services }: World) => ({
  officeHours: { from: '08:00', to: '18:00', days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'] },
  recordingRequired: true,
  recordingExempt: [...people.filter(({ traits }) => traits.exempt), ...services.filter(({ exempt }) => exempt)].map(
    ({ user }) => user,
  ),
  configManagement: services.filter(({ job }) => job === 'config').map(({ user }) => user),
})

const serviceRow = ({ user, job, credentials }: Service, firstDay: number) => ({
  user,
  name: job,
  role: 'automation',
  accountType: 'service',
  joined: dateOf(firstDay - 500),
  keys: credentials.map(({ from, credential }) => ({ fingerprint: credential.fingerprint, enrolledAt: iso(from) })),
})

const networksOf = ({ offices, vpn, services }: World) => ({
  office: offices.map(({ prefix, site, country, lat, lon, fromDay }) => ({
    cidr: cidrOf(prefix),
    site,
    country,
    lat,
    lon,
    from: dateOf(fromDay),
  })),
  vpn: vpn
    .filter(({ listed }) => listed)
    .map(({ prefix, fromDay }) => ({ cidr: cidrOf(prefix), from: dateOf(fromDay) })),
  automation: services.flatMap(({ user, ips }) => ips.map((ip) => ({ cidr: `${ip}/32`, account: user }))),
})

const holidaysOf = ({ holidayCountries, firstDay, days }: World) =>
  holidayCountries.flatMap((country) =>
    holidaysBetween(country, firstDay - 10, firstDay + days).map((day) => ({
      country,
      date: dateOf(day),
      name: 'public holiday',
    })),
  )

const maintenanceOf = ({ windows }: World) =>
  windows
    .filter(({ planned }) => planned)
    .map(({ bastion, from, to }, i) => ({
      id: `MW-${i + 1}`,
      bastions: [bastion],
      start: iso(from - 5 * minuteMs),
      end: iso(to + 5 * minuteMs),
    }))

const leaveRows = ({ user, leave }: Person) =>
  spans(leave).map(([from, to]) => ({ user, type: 'holiday', start: dateOf(from), end: dateOf(to) }))

const travelRows = ({ user, travel }: Person) =>
  travel
    .filter(({ listed }) => listed)
    .map(({ country, city, fromDay, toDay }) => ({ user, country, city, start: dateOf(fromDay), end: dateOf(toDay) }))

const whole = (world: World, random: Random) => ({
  policy: policyOf(world),
  people: [
    ...world.people.map((person) => personRow(random, person, world.firstDay + world.days)),
    ...world.services.map((service) => serviceRow(service, world.firstDay)),
  ],
  groups: [...Map.groupBy(world.hosts, ({ group }) => group)].map(([name, hosts]) => ({
    name,
    hosts: hosts.map((host) => host.name),
  })),
  hosts: world.hosts,
  bastions: world.bastions.map(({ name, internetFacing, site }) => ({ name, internetFacing, site })),
  networks: networksOf(world),
  holidays: holidaysOf(world),
  rota: [...world.people.flatMap(onCallRows), ...world.people.flatMap(shiftRows)],
  maintenance: maintenanceOf(world),
  tickets: world.tickets.map((ticket) => ({
    ...ticket,
    start: iso(ticket.start),
    end: iso(ticket.end),
    createdAt: iso(ticket.createdAt),
  })),
  leave: world.people.flatMap(leaveRows),
  travel: world.people.flatMap(travelRows),
})

/** Writes down the planned breaks of recorders: alerting on one the directory does not know is not wrong. */
const noteMaintenance = (context: Context, known: ReadonlySet<string>) => {
  for (const { bastion, from, to, planned } of context.world.windows)
    if (planned)
      noteBenign(
        context,
        {
          rule: 'recording-gap',
          class: 'maintenance',
          bastion,
          tolerated: !known.has(`${bastion} ${iso(from - 5 * minuteMs)}`),
        },
        [],
        [from, Math.min(to, from + dayMs)],
      )
}

export const directoryOf = (context: Context, random: Random) => {
  const full = whole(context.world, random)
  const keep = <T>(rows: T[]) => (context.directory === 'poor' ? rows.filter(() => random.chance(0.6)) : rows)
  const { networks } = full
  const maintenance = context.directory === 'none' ? [] : keep(full.maintenance)
  noteMaintenance(context, new Set(maintenance.map((row) => `${row.bastions[0]} ${row.start}`)))
  if (context.directory === 'none') return {}
  if (context.directory === 'whole') return full
  return {
    ...full,
    people: keep(full.people),
    groups: keep(full.groups),
    hosts: keep(full.hosts),
    bastions: keep(full.bastions),
    networks: { office: keep(networks.office), vpn: keep(networks.vpn), automation: keep(networks.automation) },
    holidays: keep(full.holidays),
    rota: keep(full.rota),
    maintenance,
    tickets: keep(full.tickets),
    leave: [],
    travel: [],
  }
}
