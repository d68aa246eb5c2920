import { type Context, noteBenign } from './context.ts'
import { writeFailure } from './failure.ts'
import { loadOf } from './loads.ts'
import { credentialAt, type Service } from './model.ts'
import type { Random } from './random.ts'
import { isDown, type Visit, writeVisit } from './session.ts'
import { ticketId } from './world.ts'
import { dayMs, isWeekend, minuteMs } from './zone.ts'

const hour = 60 * minuteMs

const every = (random: Random, day: number, stepMinutes: number) =>
  Array.from(
    { length: Math.floor(1440 / stepMinutes) },
    (_, i) => day * dayMs + i * stepMinutes * minuteMs + random.int(0, 20_000),
  )
const at = (random: Random, day: number, hours: number, spreadMinutes = 8) =>
  day * dayMs + hours * hour + random.between(0, spreadMinutes) * minuteMs

const timesOf = (random: Random, job: Service['job'], day: number): number[] => {
  if (job === 'monitor') return every(random, day, 5)
  if (job === 'config') return every(random, day, 30)
  if (job === 'mirror' || job === 'logs') return every(random, day, 60)
  if (job === 'inventory') return every(random, day, 360)
  if (job === 'backup') return [1, 1.5, 2.2].map((hours) => at(random, day, hours))
  if (job === 'dump') return [at(random, day, 3)]
  if (job === 'report') return isWeekend(day) ? [] : [at(random, day, 5.5)]
  if (job === 'batch') return [at(random, day, 4.2)]
  return Array.from({ length: isWeekend(day) ? random.int(0, 2) : random.int(5, 25) }, () =>
    at(random, day, random.between(6, 20), 1),
  )
}

/** The first logins with a new key fail until the old one is taken out everywhere. */
const rotate = (context: Context, random: Random, service: Service, from: number) => {
  const { bastion, user, ips } = service
  const old = credentialAt(service, from - 1)
  const count = random.int(3, 9)
  for (let i = 0; i < count; i++)
    writeFailure(random, context.emit, {
      user,
      ip: ips[0]!,
      bastion,
      at: from + (i * 6 + random.between(0, 4)) * minuteMs,
      method: 'publickey',
      reason: 'key_rejected',
      fingerprint: old.fingerprint,
      client: old.client,
    })
  noteBenign(
    context,
    { rule: 'auth-success-after-failures', class: 'key-rotation', user, ip: ips[0]!, bastion },
    [],
    [from, from + 5 * hour],
  )
}

export const planRotationTickets = (context: Context, random: Random) => {
  const { world } = context
  for (const service of world.services)
    for (const { from } of service.credentials.slice(1)) {
      if (!random.chance(0.9)) continue
      world.tickets.push({
        id: ticketId(random),
        type: 'key-rotation',
        users: [service.user],
        targets: [],
        sourceIps: service.ips,
        start: from - 2 * hour,
        end: from + 10 * hour,
        createdAt: from - random.int(1, 6) * dayMs,
      })
    }
}

export const serviceVisit = (service: Service, random: Random, ms: number, ip?: string): Visit => ({
  user: service.user,
  ip: ip ?? random.pick(service.ips),
  bastion: service.bastion,
  target: random.pick(service.hosts),
  at: ms,
  credential: credentialAt(service, ms),
  tty: false,
  durationMs: random.int(2000, 40_000),
})

export const runServices = (context: Context, random: Random, day: number) => {
  const { world, emit } = context
  for (const service of world.services) {
    for (const { from } of service.credentials.slice(1))
      if (Math.floor(from / dayMs) === day && !isDown(world, service.bastion, from))
        rotate(context, random, service, from)
    for (const ms of timesOf(random, service.job, day)) {
      if (isDown(world, service.bastion, ms, service.job === 'backup' ? 180 * minuteMs : 10 * minuteMs)) continue
      const { note, ...load } = loadOf(random, service.job, day)
      const seen = writeVisit(random, emit, {
        ...serviceVisit(service, random, ms),
        ...load,
        ...(service.exempt ? { start: 'unrecorded', end: 'unrecorded', commands: [] } : {}),
      })
      const who = { user: service.user, bastion: service.bastion }
      if (note) noteBenign(context, { ...note, ...who }, [seen])
      if (service.exempt)
        noteBenign(
          context,
          { rule: 'recording-gap', class: 'exempt-service', ...who, tolerated: context.directory === 'none' },
          [seen],
        )
    }
  }
}
