import { type Isp, leaseOf, v6Site } from './address.ts'
import type { Bastion, Host, Journey, Person, Role, Traits, World } from './model.ts'
import { clientOf, type createNames, fingerprintOf } from './names.ts'
import { foreign, zonesOf } from './places.ts'
import type { Random } from './random.ts'
import { planOnCall, planShifts } from './rotas.ts'
import { roleOf, traitsOf } from './traits.ts'
import { dayMs } from './zone.ts'

type Setting = {
  names: ReturnType<typeof createNames>
  people: number
  days: number
  firstDay: number
  profile: World['profile']
  countries: string[]
  isps: Map<string, Isp[]>
  bastions: Bastion[]
  hosts: Host[]
}

const hostGroups: Record<Role, string[]> = {
  developer: ['app', 'web', 'git', 'log'],
  operations: ['web', 'app', 'db', 'edge', 'log', 'ci'],
  database: ['db', 'dwh'],
  finance: ['fin'],
  support: ['app', 'log'],
  security: ['edge', 'log', 'web'],
  data: ['dwh', 'log'],
}

const homesOf = (random: Random, { firstDay, days, isps }: Setting, country: string, isp: Isp): Person['homes'] => {
  const homes = [{ fromDay: firstDay - 400, isp, ip: leaseOf(random, isp, null) }]
  const everyDays = random.weighted([
    [400, 45],
    [45, 25],
    [14, 20],
    [5, 10],
  ])
  const newIspDay = random.chance(0.1) ? firstDay + random.int(10, days - 2) : null
  for (
    let day = firstDay + random.int(1, everyDays);
    day < firstDay + days;
    day += Math.max(1, Math.round(everyDays * random.between(0.5, 1.5)))
  ) {
    const last = homes.at(-1)!
    homes.push({ fromDay: day, isp, ip: leaseOf(random, isp, last.ip) })
  }
  if (newIspDay === null) return homes
  const other = random.pick(
    isps
      .get(country)!
      .slice(0, 6)
      .filter((candidate) => candidate !== isp),
  )
  const kept = homes.filter(({ fromDay }) => fromDay < newIspDay)
  return [...kept, { fromDay: newIspDay, isp: other, ip: leaseOf(random, other, null) }]
}

const leaveOf = (random: Random, { firstDay, days }: Setting) => {
  const leave = new Set<number>()
  for (let i = 0; i < random.int(0, 3); i++) {
    const from = firstDay + random.int(0, days)
    const length = random.weighted([
      [1, 4],
      [2, 2],
      [5, 3],
      [10, 2],
    ])
    for (let day = from; day < from + length; day++) leave.add(day)
  }
  return leave
}

const travelOf = (random: Random, { firstDay, days, isps }: Setting, leave: Set<number>): Journey[] => {
  if (!random.chance(0.2) || days < 36) return []
  const fromDay = firstDay + random.int(12, days - 8)
  const toDay = fromDay + random.int(2, 8)
  for (let day = fromDay; day <= toDay; day++) if (leave.has(day)) return []
  const [country, city, zone] = random.pick(foreign)
  return [{ fromDay, toDay, country, city, zone, isp: random.pick(isps.get(country)!), listed: random.chance(0.5) }]
}

const credentialsOf = (random: Random, { firstDay, days }: Setting): Person['credentials'] => {
  const method = random.weighted([
    ['publickey', 60],
    ['keyboard-interactive', 28],
    ['password', 12],
  ])
  const fingerprint = () => (method === 'publickey' ? fingerprintOf(random) : null)
  const first = {
    method,
    fingerprint: fingerprint(),
    mfa: method !== 'password' && random.chance(0.8),
    client: clientOf(random),
  }
  const credentials = [{ from: (firstDay - random.int(20, 700)) * dayMs, credential: first }]
  if (random.chance(0.12)) {
    const from = (firstDay + random.int(3, days - 1)) * dayMs
    credentials.push({ from, credential: { ...first, client: clientOf(random), fingerprint: fingerprint() } })
  } else if (random.chance(0.15))
    credentials.push({
      from: (firstDay + random.int(3, days - 1)) * dayMs,
      credential: { ...first, client: clientOf(random) },
    })
  return credentials
}

const hoursOf = (random: Random, traits: Traits) => {
  const startMinute = traits.earlyBird
    ? random.int(300, 375)
    : traits.nightOwl
      ? random.int(600, 690)
      : random.int(450, 570)
  return { startMinute, endMinute: startMinute + random.int(500, 580) + (traits.nightOwl ? random.int(200, 320) : 0) }
}

const createPerson = (random: Random, setting: Setting): Person => {
  const { names, firstDay, days, profile, countries, isps, bastions, hosts } = setting
  const country = random.pick(countries)
  const role = roleOf(random, profile)
  const traits = traitsOf(random, role, profile)
  const isp = random.pick(isps.get(country)!.slice(0, 6))
  const leave = leaveOf(random, setting)
  const joinedDay =
    random.chance(0.08) && days > 45 ? firstDay + random.int(20, days - 10) : firstDay - random.int(60, 2000)
  return {
    ...names.person(),
    role,
    team: `${role.slice(0, 3)}-${random.int(1, 3)}`,
    country,
    zones: [{ zone: random.pick(zonesOf[country]!), fromDay: 0 }],
    traits,
    ...hoursOf(random, traits),
    sessionsPerDay: Math.min(
      8,
      Math.max(0.5, random.logNormal(role === 'finance' || role === 'support' ? 1.6 : 2.8, 0.5)),
    ),
    joinedDay,
    leftDay: joinedDay < firstDay && random.chance(0.05) ? firstDay + random.int(35, days + 20) : null,
    credentials: credentialsOf(random, setting),
    isp,
    homes: homesOf(random, setting, country, isp),
    v6Site: v6Site(random, isp),
    carrier: isps.get(country)![5]!,
    bastions: [bastions[random.int(0, 1)]!, ...random.sample(bastions.slice(1), 2)].map(({ name }) => name),
    hosts: random
      .sample(
        hosts.filter(({ group }) => hostGroups[role].includes(group)),
        random.int(3, 8),
      )
      .map(({ name }) => name),
    leave,
    travel: travelOf(random, setting, leave),
    shifts: new Map(),
    swapped: new Set(),
    onCallDays: new Map(),
    lateEvenings: new Set(),
  }
}

const planMoves = (random: Random, people: Person[], { firstDay, days }: Setting) => {
  const movers = random.sample(
    people.filter(({ traits, joinedDay }) => !traits.shift && joinedDay < firstDay),
    Math.ceil(people.length * 0.03),
  )
  for (const person of movers) {
    const zone = random.pick(
      ['America/New_York', 'Europe/Lisbon', 'Asia/Kolkata', 'Europe/Athens', 'Asia/Dubai'].filter(
        (other) => other !== person.zones[0]?.zone,
      ),
    )
    if (days > 45) person.zones.push({ zone, fromDay: firstDay + random.int(33, days - 10) })
  }
}

export const planPeople = (random: Random, setting: Setting): Person[] => {
  const people = Array.from({ length: setting.people }, () => createPerson(random, setting))
  planShifts(random, people, setting)
  planOnCall(random, people, setting)
  planMoves(random, people, setting)
  const exempt = people.find(
    ({ role, traits, joinedDay }) => role === 'security' || (!traits.onCall && joinedDay < setting.firstDay),
  )
  if (exempt) exempt.traits.exempt = true
  return people
}
