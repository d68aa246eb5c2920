import type { RuleId } from '#services/schema/alert.ts'
import { addressIn, type Prefix } from './address.ts'
import { type Context, isNewAddress } from './context.ts'
import { type Credential, credentialAt, homeAt, type Incident, type Person, type Service, zoneAt } from './model.ts'
import { attackClientOf } from './names.ts'
import { homeOrigin, originOf } from './origin.ts'
import type { Random } from './random.ts'
import { isDown, type Seen, type Visit, writeVisit } from './session.ts'
import { workOf } from './work.ts'
import { worksOn } from './world.ts'
import { dayMs, minuteMs, toUtc } from './zone.ts'

export type Slot = { person: Person; day: number; zone: string }
export type Variants = Record<
  string,
  { count: number; plant: (context: Context, random: Random, variant: string) => boolean }
>

export const label = (
  context: Context,
  incident: Pick<Incident, 'rule' | 'variant' | 'fromMs' | 'toMs'> & Partial<Incident>,
) => {
  const { user = null, sourceIp = null, bastion = null } = incident
  context.incidents.push({
    ...incident,
    user,
    sourceIp,
    bastion,
    users: incident.users ?? (user ? [user] : []),
    sourceIps: incident.sourceIps ?? (sourceIp ? [sourceIp] : []),
    sessionIds: incident.sessionIds ?? [],
    fromMs: Math.round(incident.fromMs),
    toMs: Math.round(incident.toMs),
  })
}

/** What is planted is one visit; true, for it has found its place. */
export const plantVisit = (context: Context, random: Random, rule: RuleId, variant: string, visit: Visit): true => {
  const { user, ip, bastion } = visit
  const { sessionId, fromMs, toMs } = enter(context, random, visit)
  label(context, { rule, variant, user, sourceIp: ip, bastion, sessionIds: [sessionId], fromMs, toMs })
  return true
}

const nearChange = (person: Person, day: number) =>
  person.travel.some(({ fromDay, toDay }) => day >= fromDay - 3 && day <= toDay + 3) ||
  person.zones.some(({ fromDay }) => fromDay > 0 && day >= fromDay - 3 && day < fromDay + 30) ||
  person.homes.slice(1).some(({ fromDay, isp }) => isp !== person.isp && Math.abs(fromDay - day) < 4) ||
  homeAt(person, day).fromDay > day - 4

/** A day in the scored part; with `tail` days left after it. */
export const anyDay = (context: Context, random: Random, tail = 2) =>
  context.world.firstDay + random.int(context.world.learnDays + 1, context.world.days - 1 - tail)

export const isFree = (context: Context, user: string, day: number, gapDays: number) =>
  !(context.busy.get(user) ?? []).some((other) => Math.abs(other - day) < gapDays)
export const occupy = (context: Context, user: string, day: number) =>
  context.busy.set(user, [...(context.busy.get(user) ?? []), day])

type Wish = {
  suits?: (person: Person) => boolean
  fits?: (person: Person, day: number) => boolean
  works?: boolean
  tail?: number
}

/** A person with history, and a day far from anything else planted on them; null when there is none. */
export const findSlot = (
  context: Context,
  random: Random,
  { suits = () => true, fits = () => true, works = true, tail = 2 }: Wish,
): Slot | null => {
  const people = context.world.people.filter(
    (person) =>
      person.joinedDay < context.world.firstDay &&
      !person.traits.exempt &&
      person.sessionsPerDay >= 1.1 &&
      suits(person),
  )
  if (people.length === 0) return null
  for (const gapDays of [5, 3, 2]) {
    for (let i = 0; i < 300; i++) {
      const day = anyDay(context, random, tail)
      const person = random.pick(people)
      if (person.leftDay !== null && person.leftDay <= day + tail + 1) continue
      if (works && !worksOn(person, day)) continue
      if (nearChange(person, day) || !fits(person, day) || !isFree(context, person.user, day, gapDays)) continue
      occupy(context, person.user, day)
      return { person, day, zone: zoneAt(person, day) }
    }
  }
  return null
}

/** A service account, and a moment between two hours of a day (UTC), far from anything else planted on it. */
export const findServiceSlot = (
  context: Context,
  random: Random,
  suits: (service: Service) => boolean,
  [fromHour, toHour]: [number, number],
): { service: Service; at: number } | null => {
  for (let i = 0; i < 200; i++) {
    const service = random.pick(context.world.services.filter(suits))
    const day = anyDay(context, random)
    const at = day * dayMs + random.between(fromHour, toHour) * 60 * minuteMs
    if (!isFree(context, service.user, day, 2) || isDown(context.world, service.bastion, at)) continue
    occupy(context, service.user, day)
    return { service, at }
  }
  return null
}

/** A moment in the middle of that person's working day. */
export const workMoment = (random: Random, { person, day, zone }: Slot): number => {
  const shift = person.shifts.get(day)
  const [from, to] =
    person.traits.shift && shift
      ? ({ early: [400, 780], late: [880, 1260], night: [1360, 1740] }[shift] as [number, number])
      : [Math.max(person.startMinute + 40, 500), Math.min(person.endMinute - 60, 1020)]
  return toUtc(zone, day, random.between(from, to))
}

/** An ordinary interactive session, harmless in itself. */
export const quietVisit = (
  context: Context,
  random: Random,
  { person, day }: Slot,
  at: number,
  where: 'home' | 'usual',
): Visit | null => {
  const origin = where === 'home' ? homeOrigin(random, person, day) : originOf(context, random, person, day)
  isNewAddress(context, person.user, origin.ip)
  const calm = { ...person, traits: { ...person.traits, sudoShell: false, forwarder: false, mobile: false } }
  return workOf(context, random, calm, at, origin, 'shell')?.visit ?? null
}

const unroutable = new Set([10, 100, 127, 169, 172, 192, 198, 203])

/** An address anywhere on the internet. */
export const anywhere = (random: Random): string => {
  const first = random.int(2, 222)
  return unroutable.has(first)
    ? anywhere(random)
    : addressIn(random, { base: first * 2 ** 24 + random.int(0, 4095) * 4096, bits: 20 })
}

export const addressFrom = (random: Random, prefixes: Prefix[]) => addressIn(random, random.pick(prefixes))

/** What somebody else presents: a stolen password, or the stolen key with tools of their own. */
export const stolenCredential = (random: Random, person: Person, at: number): Credential => {
  const own = credentialAt(person, at)
  if (own.method === 'publickey' && random.chance(0.6))
    return { ...own, mfa: random.chance(0.3), client: attackClientOf(random) }
  return { method: 'password', fingerprint: null, mfa: false, client: attackClientOf(random) }
}

export const enter = (context: Context, random: Random, visit: Visit): Seen => writeVisit(random, context.emit, visit)

/** Plants every variant of one rule. */
export const plantRule = (context: Context, random: Random, rule: RuleId, variants: Variants, share: number) => {
  for (const [variant, { count, plant }] of Object.entries(variants))
    for (let i = 0; i < Math.max(1, Math.round(count * share)); i++)
      if (!plant(context, random.fork(`${rule}/${variant}/${i}`), variant)) context.unplaced.push(`${rule}/${variant}`)
}
