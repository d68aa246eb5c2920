import { serviceVisit } from './automation.ts'
import { everyday } from './commands.ts'
import type { Context } from './context.ts'
import { credentialAt, type Person } from './model.ts'
import { attackClientOf, toolClientOf } from './names.ts'
import { bastionFor } from './origin.ts'
import {
  addressFrom,
  anyDay,
  anywhere,
  enter,
  findSlot,
  isFree,
  occupy,
  plantVisit,
  quietVisit,
  type Slot,
  stolenCredential,
  type Variants,
  workMoment,
} from './planting.ts'
import type { Random } from './random.ts'
import { isDown } from './session.ts'
import { minuteMs, toUtc } from './zone.ts'

const foreignPrefixes = (context: Context, random: Random, person: Person) => {
  const others = [...context.world.isps].filter(
    ([country]) => country !== person.country && !context.world.holidayCountries.includes(country),
  )
  return random.pick(random.pick(others)[1]).prefixes
}

/** The provider of that country that nobody of the staff has. */
const unusedProvider = (context: Context, random: Random, { country }: Person) =>
  addressFrom(random, context.world.isps.get(country)?.at(-1)?.prefixes ?? [])

const stranger =
  (addressOf: (context: Context, random: Random, person: Person) => string, sameToolsShare: number) =>
  (context: Context, random: Random, variant: string): boolean => {
    const slot = findSlot(context, random, {})
    if (!slot) return false
    return breakIn(
      context,
      random,
      slot,
      variant,
      addressOf(context, random, slot.person),
      random.chance(sameToolsShare),
    )
  }

/** With the victim's own key and client the give-away is that the victim is at work elsewhere meanwhile. */
const breakIn = (
  context: Context,
  random: Random,
  slot: Slot,
  variant: string,
  ip: string,
  sameTools: boolean,
): boolean => {
  const at = workMoment(random, slot)
  const own = quietVisit(context, random, slot, at - random.int(8, 25) * minuteMs, 'usual')
  const bastion = bastionFor(context, random, slot.person.bastions, false, at)
  if (!own || !bastion) return false
  if (sameTools || random.chance(0.3)) enter(context, random, { ...own, durationMs: random.int(50, 100) * minuteMs })
  const credential = sameTools ? credentialAt(slot.person, at) : stolenCredential(random, slot.person, at)
  const commands = everyday(random, slot.person.role).slice(0, 9)
  return plantVisit(context, random, 'new-source-ip', variant, {
    ...own,
    ip,
    bastion,
    at,
    credential,
    commands,
    forwards: [],
    durationMs: random.int(3, 40) * minuteMs,
  })
}

const serviceElsewhere = (context: Context, random: Random, variant: string): boolean => {
  for (let i = 0; i < 200; i++) {
    const service = random.pick(context.world.services.filter(({ exempt }) => !exempt))
    const day = anyDay(context, random)
    const at = toUtc('Europe/Berlin', day, random.between(500, 1100))
    const facing = context.world.bastions.filter(
      ({ name, internetFacing }) => internetFacing && !isDown(context.world, name, at),
    )
    if (!isFree(context, service.user, day, 2) || facing.length === 0) continue
    occupy(context, service.user, day)
    const inside = random.chance(0.3)
    const ip = inside ? random.pick(context.world.offices[0]?.egress ?? []) : anywhere(random)
    const bastion = inside && !isDown(context.world, service.bastion, at) ? service.bastion : random.pick(facing).name
    const visit = serviceVisit(service, random, at, ip)
    return plantVisit(context, random, 'new-source-ip', variant, {
      ...visit,
      bastion,
      tty: random.chance(0.6),
      durationMs: random.int(2, 30) * minuteMs,
      credential: { ...visit.credential, client: random.chance(0.5) ? attackClientOf(random) : toolClientOf(random) },
      commands: [{ line: 'id' }, { line: 'ls -la' }, { line: 'uname -a' }],
    })
  }
  return false
}

export const newSourceVariants: Variants = {
  'foreign-network': {
    count: 6,
    plant: stranger((context, random, person) => addressFrom(random, foreignPrefixes(context, random, person)), 0.3),
  },
  'other-provider': { count: 5, plant: stranger(unusedProvider, 0.35) },
  'hosting-network': { count: 5, plant: stranger((_, random) => anywhere(random), 0.15) },
  'service-account': { count: 4, plant: serviceElsewhere },
}
