import { everyday } from './commands.ts'
import type { Context } from './context.ts'
import { doorAt, momentOn, repeated, sprayUsers, type Target, target, triesFrom } from './failed-logins.ts'
import { credentialAt } from './model.ts'
import { attackClientOf } from './names.ts'
import { anywhere, enter, findSlot, label, type Variants } from './planting.ts'
import type { Random } from './random.ts'
import { minuteMs } from './zone.ts'

/** Then one of them lets the stranger in. */
const success = (
  context: Context,
  random: Random,
  variant: string,
  users: string[],
  ip: string,
  from: number,
  gapMs: number,
  victim: Target,
): boolean => {
  const bastion = doorAt(context, random, from)
  const until = triesFrom(context, random, { users, ip, bastion, from, gapMs, spread: 0.4 })
  const person = context.world.people.find(({ user }) => user === victim.user)
  const service = context.world.services.find(({ user }) => user === victim.user)
  const account = person ?? service
  if (!account) return false
  const credential = {
    ...credentialAt(account, until),
    method: random.chance(0.7) ? 'password' : 'keyboard-interactive',
    fingerprint: null,
    mfa: false,
    client: attackClientOf(random),
  }
  const commands = [{ line: 'id' }, ...(person ? everyday(random, person.role).slice(0, 4) : [{ line: 'ls -la' }])]
  const seen = enter(context, random, {
    user: victim.user,
    ip,
    bastion,
    target: account.hosts[0]!,
    at: until + random.int(500, 9000),
    credential,
    tty: true,
    durationMs: random.int(1, 25) * minuteMs,
    commands,
  })
  label(context, {
    rule: 'auth-success-after-failures',
    variant,
    user: victim.user,
    sourceIp: ip,
    bastion,
    sessionIds: [seen.sessionId],
    fromMs: from,
    toMs: seen.toMs,
  })
  return true
}

const guessed =
  (count: (random: Random) => number, gapMs: (random: Random) => number) =>
  (context: Context, random: Random, variant: string) => {
    const victim = target(context, random)
    if (!victim) return false
    return success(
      context,
      random,
      variant,
      repeated(victim.user, count(random)),
      anywhere(random),
      momentOn(random, victim.day),
      gapMs(random),
      victim,
    )
  }

const sprayed = (context: Context, random: Random, variant: string): boolean => {
  const slot = findSlot(context, random, { works: false })
  if (!slot) return false
  const victim = { user: slot.person.user, day: slot.day }
  const users = sprayUsers(context, random, slot.day)
  return success(
    context,
    random,
    variant,
    users,
    anywhere(random),
    momentOn(random, slot.day),
    random.between(1500, 40_000),
    victim,
  )
}

export const successVariants: Variants = {
  'many-failures': {
    count: 9,
    plant: guessed(
      (r) => r.int(10, 40),
      (r) => r.between(900, 15_000),
    ),
  },
  'few-failures': {
    count: 5,
    plant: guessed(
      (r) => r.int(5, 9),
      (r) => r.between(3000, 40_000),
    ),
  },
  'spray-then-success': { count: 6, plant: sprayed },
}
