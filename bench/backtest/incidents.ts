import type { RuleId } from '#services/schema/alert.ts'
import { placeOf } from './ordinary.ts'
import { everydayCommands, failedLogin, type SessionPlan, sessionEvents, type Timed } from './session.ts'
import { dayMs, hostIn, isWorkday, networkIn, type Person, type World } from './world.ts'
import { localMs, weekday } from './zone-time.ts'

/** What is planted: the rule that has to find it, who and where, and from when to when. */
export type Label = {
  rule: RuleId
  variant: string
  user: string | null
  sourceIp: string | null
  bastion: string
  fromMs: number
  toMs: number
}
export type Incident = { label: Label; timed: Timed[]; day: number }

type Plant = (world: World, n: number, day: number, person: Person) => Incident | null

const plain = (world: World, person: Person, atMs: number, sourceIp: string): SessionPlan => ({
  user: person.user,
  sourceIp,
  bastion: 'bastion-eu',
  atMs,
  target: person.hosts[0]!,
  minutes: 15,
  commands: everydayCommands(world.dice, 8, false),
  outBytes: 40_000,
})
const during = (world: World, person: Person, day: number): number =>
  localMs(person.zone, world.startMs + day * dayMs, world.dice.between(10, 15))

const incident = (
  rule: RuleId,
  variant: string,
  day: number,
  about: { user: string | null; sourceIp: string | null; bastion?: string },
  timed: Timed[],
): Incident => {
  const times = timed.map(({ atMs }) => atMs)
  const label = { rule, variant, bastion: 'bastion-eu', ...about, fromMs: Math.min(...times), toMs: Math.max(...times) }
  return { label, timed, day }
}

const farProvider = (world: World, person: Person) =>
  world.dice.pick(
    world.providers.filter(({ country }) => country !== person.country && country !== person.travel?.country),
  )

const offHours: Plant = (world, n, day, person) => {
  const { dice } = world
  const hour = dice.between(1.5, 4.5)
  const isWeekend = n % 3 === 0
  const onDay = isWeekend ? day + ((6 - weekday(world.startMs + day * dayMs) + 7) % 7) : day
  if (onDay >= world.days - 1) return null
  const atMs = localMs(person.zone, world.startMs + onDay * dayMs, hour)
  const { timed } = sessionEvents(plain(world, person, atMs, hostIn(person.homeNetwork, dice)), dice, world.seed)
  const sourceIp = timed[0]!.event.sourceIp as string
  return incident(
    'off-hours-login',
    isWeekend ? 'weekend night' : 'weeknight',
    onDay,
    { user: person.user, sourceIp },
    timed,
  )
}

const newSource: Plant = (world, n, day, person) => {
  const provider = farProvider(world, person)
  const sourceIp = hostIn(networkIn(provider, world.dice), world.dice)
  const { timed } = sessionEvents(plain(world, person, during(world, person, day), sourceIp), world.dice, world.seed)
  return incident('new-source-ip', n % 2 === 0 ? 'abroad' : 'abroad, too', day, { user: person.user, sourceIp }, timed)
}

const failures: Plant = (world, n, day, person) => {
  const { dice } = world
  const fromMs = world.startMs + day * dayMs + dice.between(1, 20) * 3_600_000
  const at = (user: string, sourceIp: string, offsetMs: number): Timed =>
    failedLogin({ user, sourceIp, bastion: 'bastion-eu', atMs: Math.round(fromMs + offsetMs), reason: 'bad_password' })
  const attacker = (): string => hostIn(networkIn(farProvider(world, person), dice), dice)
  const sourceIp = attacker()
  const others = dice.some(world.people, 40)
  if (n % 4 === 0) {
    const timed = Array.from({ length: dice.whole(80, 300) }, (_, i) => at(person.user, sourceIp, i * 2_000))
    return incident('auth-failures', 'burst', day, { user: person.user, sourceIp }, timed)
  }
  if (n % 4 === 1) {
    const timed = others.flatMap(({ user }, i) =>
      [0, 1, 2].map((round) => at(user, sourceIp, round * 400_000 + i * 3_000)),
    )
    return incident('auth-failures', 'spray', day, { user: null, sourceIp }, timed)
  }
  if (n % 4 === 2) {
    const addresses = Array.from({ length: 10 }, attacker)
    const timed = Array.from({ length: 60 }, (_, i) => at(person.user, addresses[i % 10]!, i * 20_000))
    return incident('auth-failures', 'distributed', day, { user: person.user, sourceIp: null }, timed)
  }
  const timed = Array.from({ length: 30 }, (_, i) => at(person.user, sourceIp, i * 720_000))
  return incident('auth-failures', 'slow', day, { user: person.user, sourceIp }, timed)
}

const guessed: Plant = (world, n, day, person) => {
  const { dice } = world
  const sourceIp = hostIn(networkIn(farProvider(world, person), dice), dice)
  const atMs = during(world, person, day)
  const attempts = n % 2 === 0 ? 6 : dice.whole(8, 60)
  const failed = Array.from({ length: attempts }, (_, i) =>
    failedLogin({
      user: person.user,
      sourceIp,
      bastion: 'bastion-eu',
      atMs: atMs - (attempts - i) * 6_000,
      reason: 'bad_password',
    }),
  )
  const { timed } = sessionEvents({ ...plain(world, person, atMs, sourceIp), method: 'password' }, dice, world.seed)
  return incident('auth-success-after-failures', `${attempts} failures`, day, { user: person.user, sourceIp }, [
    ...failed,
    ...timed,
  ])
}

const bulk: Plant = (world, n, day, person) => {
  const { dice } = world
  const sourceIp = placeOf(world, person, day)
  const many = n % 2 === 0
  const transfers = many
    ? Array.from({ length: dice.whole(220, 600) }, () => ({ sizeBytes: dice.whole(2_000, 90_000), fileCount: 1 }))
    : Array.from({ length: dice.whole(3, 8) }, () => ({ sizeBytes: dice.whole(80e6, 700e6), fileCount: 1 }))
  const plan = { ...plain(world, person, during(world, person, day), sourceIp), transfers }
  const { timed } = sessionEvents(plan, dice, world.seed)
  return incident('bulk-transfer', many ? 'many files' : 'much', day, { user: person.user, sourceIp }, timed)
}

const escalations: string[][] = [
  ['sudo', '-i'],
  ['sudo', 'su', '-'],
  ['sudo', 'visudo'],
  ['sudo', 'cp', '/etc/shadow', '/tmp/.x'],
  ['sudo', 'bash', '-c', 'echo "x ALL=(ALL) NOPASSWD:ALL" >> /etc/sudoers'],
  ['sudo', 'find', '/tmp', '-exec', '/bin/sh', ';'],
  ['sudo', 'usermod', '-aG', 'sudo', 'guest'],
  ['sudo', 'chmod', 'u+s', '/usr/bin/dash'],
  ['sudo', 'systemctl', 'stop', 'auditd'],
  ['sudo', 'tee', '-a', '/root/.ssh/authorized_keys'],
]
const escalation: Plant = (world, n, day, person) => {
  const sourceIp = placeOf(world, person, day)
  const plan = plain(world, person, during(world, person, day), sourceIp)
  const argv = escalations[n % escalations.length]!
  plan.commands.splice(4, 0, argv)
  const { timed } = sessionEvents(plan, world.dice, world.seed)
  return incident('privilege-escalation', argv.slice(0, 2).join(' '), day, { user: person.user, sourceIp }, timed)
}

const gap: Plant = (world, n, day, person) => {
  const { dice } = world
  const sourceIp = placeOf(world, person, day)
  const plan = plain(world, person, during(world, person, day), sourceIp)
  if (n % 3 === 0) {
    const { timed } = sessionEvents({ ...plan, withoutStart: true, commands: [] }, dice, world.seed)
    return incident('recording-gap', 'login without recording', day, { user: person.user, sourceIp }, timed)
  }
  if (n % 3 === 1) {
    const { timed } = sessionEvents({ ...plan, recorded: false, commands: [] }, dice, world.seed)
    return incident('recording-gap', 'session nobody recorded', day, { user: person.user, sourceIp }, timed)
  }
  const killed = {
    kind: 'recorder_health',
    source: 'agent',
    bastion: 'bastion-us',
    status: 'killed',
    detail: 'the recorder was killed',
  }
  return incident('recording-gap', 'recorder killed', day, { user: null, sourceIp: null, bastion: 'bastion-us' }, [
    { atMs: Math.round(during(world, person, day)), event: killed },
  ])
}

const plants: Plant[] = [offHours, newSource, failures, guessed, bulk, escalation, gap]

/** Whose habits do not make the planted thing ordinary, and who is there that day. */
const isVictim = (world: World, person: Person, day: number): boolean =>
  (person.role === 'developer' || person.role === 'contractor') &&
  !person.isLate &&
  person.joinedDay < 0 &&
  person.movesTo === null &&
  person.startHour > 7.5 &&
  !(person.travel && day >= person.travel.from - 2 && day <= person.travel.to + 2) &&
  isWorkday(world, person, day)

const attempt = (world: World, plant: Plant, n: number): Incident => {
  const { dice } = world
  for (let tries = 0; tries < 1_000; tries++) {
    const day = dice.whole(32, world.days - 4)
    const person = dice.pick(world.people)
    const planted = isVictim(world, person, day) ? plant(world, n, day, person) : null
    if (planted) return planted
  }
  throw new Error(`seed ${world.seed}: nobody to plant incident ${n} on`)
}

export const plantIncidents = (world: World, each: number): Incident[] =>
  plants.flatMap((plant) => Array.from({ length: each }, (_, n) => attempt(world, plant, n)))
