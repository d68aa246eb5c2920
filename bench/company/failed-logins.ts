import type { Context } from './context.ts'
import { writeFailure } from './failure.ts'
import { attackClientOf } from './names.ts'
import { anyDay, anywhere, findSlot, isFree, label, occupy, type Variants } from './planting.ts'
import type { Random } from './random.ts'
import { isDown } from './session.ts'
import { dayMs, minuteMs } from './zone.ts'

export type Target = { user: string; day: number }

/** Somebody whose account is worth trying: staff, or now and then a service account. */
export const target = (context: Context, random: Random): Target | null => {
  if (random.chance(0.15)) {
    const { user } = random.pick(context.world.services)
    const day = anyDay(context, random)
    if (!isFree(context, user, day, 2)) return null
    occupy(context, user, day)
    return { user, day }
  }
  const slot = findSlot(context, random, { works: false })
  return slot && { user: slot.person.user, day: slot.day }
}

export const momentOn = (random: Random, day: number) => day * dayMs + random.next() * dayMs * 0.8

export const doorAt = (context: Context, random: Random, at: number, margin = 4 * 60 * minuteMs) => {
  const doors = context.world.bastions.filter(
    ({ name, internetFacing }) => internetFacing && !isDown(context.world, name, at, margin),
  )
  return doors.length > 0 ? random.pick(doors).name : context.world.bastions[0]!.name
}

/** From the internet; now and then from a machine in the office. */
const attackerOf = (context: Context, random: Random) =>
  random.chance(0.12) ? random.pick(context.world.offices[0]?.egress ?? []) : anywhere(random)

const tries = (
  context: Context,
  random: Random,
  users: string[],
  ipOf: () => string,
  bastion: string,
  from: number,
  gapOf: () => number,
) => {
  const client = attackClientOf(random)
  const method = random.chance(0.8) ? 'password' : 'keyboard-interactive'
  let at = from
  for (const user of users) {
    writeFailure(random, context.emit, { user, ip: ipOf(), bastion, at, method, reason: 'bad_password', client })
    at += gapOf()
  }
  return at
}

export const repeated = (user: string, count: number) => Array.from({ length: count }, () => user)

const atOne =
  (
    count: (random: Random) => number,
    gap: (random: Random) => number,
    addresses: (random: Random) => number,
    asRoot = false,
  ) =>
  (context: Context, random: Random, variant: string): boolean => {
    const goal = asRoot ? { user: 'root', day: anyDay(context, random) } : target(context, random)
    if (!goal) return false
    const from = momentOn(random, goal.day)
    const bastion = doorAt(context, random, from)
    const ips = Array.from({ length: addresses(random) }, () =>
      addresses(random) > 1 ? anywhere(random) : attackerOf(context, random),
    )
    const to = tries(
      context,
      random,
      repeated(goal.user, count(random)),
      () => random.pick(ips),
      bastion,
      from,
      () => gap(random),
    )
    label(context, {
      rule: 'auth-failures',
      variant,
      user: goal.user,
      sourceIp: ips.length === 1 ? ips[0]! : null,
      sourceIps: ips,
      bastion,
      fromMs: from,
      toMs: to,
    })
    return true
  }

export const sprayUsers = (context: Context, random: Random, day: number) => {
  const { people, services } = context.world
  const current = [
    ...people.filter(({ joinedDay, leftDay }) => joinedDay <= day && (leftDay === null || leftDay > day)),
    ...services,
  ].map(({ user }) => user)
  const chosen = random.sample(current, random.int(15, 40))
  return random.shuffle(chosen.flatMap((user) => repeated(user, random.int(1, 3))))
}

/** From one address, about `gapMs` apart. When the last one was. */
export const triesFrom = (
  context: Context,
  random: Random,
  how: { users: string[]; ip: string; bastion: string; from: number; gapMs: number; spread: number },
): number =>
  tries(
    context,
    random,
    how.users,
    () => how.ip,
    how.bastion,
    how.from,
    () => random.logNormal(how.gapMs, how.spread),
  )

const spray = (context: Context, random: Random, variant: string): boolean => {
  const day = anyDay(context, random)
  const from = momentOn(random, day)
  const bastion = doorAt(context, random, from)
  const users = sprayUsers(context, random, day)
  const ip = attackerOf(context, random)
  const gapMs = random.between(1500, 70_000)
  const to = triesFrom(context, random, { users, ip, bastion, from, gapMs, spread: 0.5 })
  label(context, {
    rule: 'auth-failures',
    variant,
    sourceIp: ip,
    bastion,
    users: [...new Set(users)],
    fromMs: from,
    toMs: to,
  })
  return true
}

export const authFailureVariants: Variants = {
  fast: {
    count: 5,
    plant: atOne(
      (r) => r.int(30, 300),
      (r) => r.logNormal(1800, 0.6),
      () => 1,
    ),
  },
  spray: { count: 4, plant: spray },
  slow: {
    count: 4,
    plant: atOne(
      (r) => r.int(24, 70),
      (r) => r.between(10, 15) * minuteMs,
      () => 1,
    ),
  },
  distributed: {
    count: 4,
    plant: atOne(
      (r) => r.int(40, 130),
      (r) => r.logNormal(40_000, 0.6),
      (r) => r.int(8, 20),
    ),
  },
  root: {
    count: 3,
    plant: atOne(
      (r) => r.int(40, 300),
      (r) => r.logNormal(2500, 0.6),
      () => 1,
      true,
    ),
  },
}
