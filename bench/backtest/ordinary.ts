import { everydayCommands, failedLogin, type SessionPlan, sessionEvents, type Timed } from './session.ts'
import { dayMs, hostIn, isWorkday, type Person, type Service, type World } from './world.ts'
import { localMs } from './zone-time.ts'

/** What happens on a day on which nothing is wrong. */

export type Day = { timed: Timed[]; sessions: number }

const bastionOf = (person: Person): string => (person.country === 'US' ? 'bastion-us' : 'bastion-eu')

const zoneOn = (person: Person, day: number): string => {
  if (person.travel && day >= person.travel.from && day < person.travel.to) return person.travel.zone
  return person.movesTo && day >= person.movesTo.day ? person.movesTo.zone : person.zone
}

/** Where a person is that day, by the address that shows. */
export const placeOf = (world: World, person: Person, day: number): string => {
  const { dice } = world
  if (person.travel && day >= person.travel.from && day < person.travel.to)
    return dice.chance(0.4) ? hostIn(world.vpn[0]!, dice) : hostIn(`${person.travel.provider.prefixes[0]}.44`, dice)
  if (dice.chance(person.officeShare)) return hostIn(world.office, dice)
  if (dice.chance(person.vpnShare)) {
    const isMoved = day >= world.newVpn.fromDay
    return hostIn(isMoved ? world.newVpn.prefix : dice.pick(world.vpn), dice)
  }
  // Each has a line of their own at home; the provider gives it another address now and then.
  const period = Math.floor((day + 400) / person.homeChangesEvery)
  const last = 2 + ((period * 37 + person.user.length * 11) % 240)
  const [a, b, c] = person.homeNetwork.split('.').map(Number) as [number, number, number]
  return period === 0 || person.homeChangesEvery > 900
    ? `${a}.${b}.${c}.${last}`
    : `${a}.${b}.${(c + period * 13) % 256}.${last}`
}

const transfersOf = (world: World, person: Person, day: number): SessionPlan['transfers'] => {
  const { dice } = world
  const isMonthEnd = new Date(world.startMs + (day + 2) * dayMs).getUTCDate() <= 2
  if (person.role === 'database' && isMonthEnd && dice.chance(0.6))
    return Array.from({ length: dice.whole(2, 5) }, () => ({
      sizeBytes: Math.round(dice.lognormal(6e7, 0.4)),
      fileCount: 1,
    }))
  if (!dice.chance(0.12)) return []
  return Array.from({ length: dice.whole(1, 6) }, () => ({
    sizeBytes: Math.round(dice.lognormal(person.transferMedian, 1)),
    fileCount: 1,
    direction: dice.chance(0.7) ? 'download' : 'upload',
  }))
}

const typos = (world: World, plan: SessionPlan): Timed[] => {
  const { dice } = world
  if (!dice.chance(0.04)) return []
  return Array.from({ length: dice.whole(1, 3) }, (_, n) =>
    failedLogin({
      ...plan,
      atMs: plan.atMs - (n + 1) * dice.whole(4_000, 20_000),
      method: 'password',
      reason: 'bad_password',
    }),
  )
}

const work = (world: World, person: Person, day: number, hour: number, sourceIp: string): Timed[] => {
  const { dice } = world
  const commands = everydayCommands(dice, dice.whole(3, 40), person.role !== 'developer')
  if (person.isAdmin && dice.chance(0.25)) commands.splice(1, 0, ['sudo', '-i'])
  const plan: SessionPlan = {
    user: person.user,
    sourceIp,
    bastion: bastionOf(person),
    atMs: localMs(zoneOn(person, day), world.startMs + day * dayMs, hour),
    target: dice.pick(person.hosts),
    minutes: dice.lognormal(25, 0.8),
    commands,
    outBytes: Math.round(dice.lognormal(80_000, 1)),
    ...(day >= 0 && { transfers: transfersOf(world, person, day) }),
  }
  return [...typos(world, plan), ...sessionEvents(plan, dice, world.seed).timed]
}

const office = (world: World, person: Person, day: number): Timed[][] => {
  const { dice } = world
  if (!isWorkday(world, person, day)) return []
  const sourceIp = placeOf(world, person, day)
  return Array.from({ length: dice.count(person.sessionsPerDay) }, () => {
    const isEvening = person.isLate && dice.chance(0.15)
    const hour = isEvening ? dice.between(person.endHour, 23.5) : dice.between(person.startHour, person.endHour)
    return work(world, person, day, hour, sourceIp)
  })
}

/** Called out of bed: one night in three or so. */
const calledOut = (world: World, person: Person, day: number): Timed[][] => {
  const { dice } = world
  const isOn = world.onCall.some(({ user, from, to }) => user === person.user && day >= from && day < to)
  if (!isOn || !dice.chance(0.35)) return []
  return Array.from({ length: dice.whole(1, 3) }, () =>
    work(world, person, day, dice.between(22, 29), hostIn(person.homeNetwork, dice)),
  )
}

const onShift = (world: World, person: Person, day: number): Timed[][] => {
  const { dice } = world
  const shift = world.shifts.find((one) => one.user === person.user && one.day === day)
  if (!shift || (person.leave && day >= person.leave.from && day < person.leave.to)) return []
  if (day < person.joinedDay || day >= person.leftDay) return []
  const sourceIp = placeOf(world, person, day)
  // Shifts are planned in UTC.
  return Array.from({ length: dice.count(person.sessionsPerDay) }, () => {
    const atMs = world.startMs + day * dayMs + (shift.startHour + dice.between(0, 8)) * 3_600_000
    const localHour = (atMs - localMs(zoneOn(person, day), world.startMs + day * dayMs, 0)) / 3_600_000
    return work(world, person, day, localHour, sourceIp)
  })
}

const byService = (world: World, service: Service, day: number): Timed[][] => {
  const { dice } = world
  const run = (hour: number, isMain: boolean): Timed[] =>
    sessionEvents(
      {
        user: service.user,
        sourceIp: service.ip,
        bastion: 'bastion-int',
        atMs: world.startMs + day * dayMs + hour * 3_600_000,
        target: world.hosts[service.minute % world.hosts.length]!,
        minutes: dice.between(0.2, 4),
        commands: service.isConfigManagement
          ? [
              ['sudo', 'useradd', '-m', `deploy${dice.whole(1, 99)}`],
              ['sudo', 'tee', '/etc/sudoers.d/deploy'],
              ['sudo', 'systemctl', 'reload', 'app'],
            ]
          : [['rsync', '--server', '-logDtprze.iLsfxC', '.', '/srv/backup']],
        outBytes: 5_000,
        ...(isMain && {
          transfers: [
            { sizeBytes: Math.round(service.bytes * dice.between(0.9, 1.1)), fileCount: 1, protocol: 'rsync' },
          ],
        }),
      },
      dice,
      world.seed,
    ).timed
  return [
    ...service.hours.map((hour) => run(hour + service.minute / 60 + dice.between(0, 0.02), true)),
    ...Array.from({ length: service.perDay }, () => run(dice.between(0, 24), false)),
  ]
}

export const ordinaryDay = (world: World, day: number): Day => {
  const sessions = [
    ...world.people.flatMap((person) =>
      person.role === 'shift'
        ? onShift(world, person, day)
        : [...office(world, person, day), ...calledOut(world, person, day)],
    ),
    ...world.services.flatMap((service) => byService(world, service, day)),
  ]
  return { timed: sessions.flat(), sessions: sessions.length }
}

/** The internet at the door, agents' heartbeats, and the day on which passwords ran out. */
export const noise = (world: World, day: number, scale: number): Timed[] => {
  const { dice, startMs } = world
  const from = startMs + day * dayMs
  const timed: Timed[] = []
  const names = ['admin', 'test', 'oracle', 'ubuntu', 'postgres', 'git', 'user', 'pi', 'deploy', 'ftp']
  for (let n = 0; n < dice.whole(15, 40) * scale; n++) {
    const sourceIp = `${dice.whole(24, 222)}.${dice.whole(0, 255)}.${dice.whole(0, 255)}.${dice.whole(1, 254)}`
    const bastion = dice.pick(['bastion-eu', 'bastion-us'])
    const beginMs = from + dice.between(0, 23 * 3_600_000)
    for (let attempt = 0; attempt < dice.whole(5, 150); attempt++)
      timed.push(
        failedLogin({
          user: dice.pick(names),
          sourceIp,
          bastion,
          atMs: Math.round(beginMs + attempt * dice.between(800, 20_000)),
          reason: 'invalid_user',
        }),
      )
  }
  for (const { name } of world.bastions)
    for (let atMs = from; atMs < from + dayMs; atMs += 240_000)
      if (!dice.chance(0.005))
        timed.push({
          atMs,
          event: { kind: 'recorder_health', source: 'agent', bastion: name, status: 'ok', agent: name },
        })
  if (day === world.expiryDay)
    for (const person of dice.some(world.people, 30)) {
      const sourceIp = hostIn(world.office, dice)
      const beginMs = localMs(person.zone, from, dice.between(8.5, 10))
      for (let attempt = 0; attempt < dice.whole(2, 5); attempt++)
        timed.push(
          failedLogin({
            user: person.user,
            sourceIp,
            bastion: 'bastion-eu',
            atMs: beginMs + attempt * 9_000,
            reason: attempt === 0 ? 'password_expired' : 'bad_password',
          }),
        )
      timed.push(
        ...sessionEvents(
          {
            user: person.user,
            sourceIp,
            bastion: 'bastion-eu',
            atMs: beginMs + 90_000,
            target: person.hosts[0]!,
            minutes: 10,
            commands: [['passwd']],
            outBytes: 4_000,
            method: 'password',
          },
          dice,
          world.seed,
        ).timed,
      )
    }
  return timed
}
