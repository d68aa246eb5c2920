import type { Context } from './context.ts'
import { live } from './life.ts'
import { credentialAt, type Person, zoneAt } from './model.ts'
import { bastionFor, type Origin } from './origin.ts'
import type { Random } from './random.ts'
import type { Transfer } from './session.ts'
import type { Work } from './work.ts'
import { ticketId, worksOn } from './world.ts'
import { dateOf, dayMs, minuteMs, toUtc } from './zone.ts'

const gigabyte = 1_000_000_000

const bulkWork =
  (context: Context, random: Random, person: Person, at: number, transfers: Transfer[], target: string, note: string) =>
  (origin: Origin): Work | null => {
    const bastion = bastionFor(context, random, person.bastions, origin.inside, at)
    if (!bastion) return null
    const visit = {
      user: person.user,
      ip: origin.ip,
      bastion,
      target,
      at,
      credential: credentialAt(person, at),
      tty: false,
      durationMs: random.between(8, 80) * minuteMs,
      transfers,
    }
    return { visit, notes: [{ rule: 'bulk-transfer', class: note }] }
  }

const isMonthEnd = (day: number) =>
  dateOf(day).slice(0, 7) !== dateOf(day + 3).slice(0, 7) || Number(dateOf(day).slice(8)) <= 2

/** Finance and database people close the month with big downloads. */
export const monthEnd = (context: Context, random: Random, person: Person, day: number) => {
  if (
    (person.role !== 'finance' && person.role !== 'database') ||
    !isMonthEnd(day) ||
    !worksOn(person, day) ||
    person.travel.length > 0 ||
    !random.chance(0.45)
  )
    return
  const at = toUtc(zoneAt(person, day), day, random.between(person.startMinute + 60, person.endMinute))
  const files = random.int(3, 40)
  const total = random.logNormal(2.2, 0.4) * gigabyte
  const transfers = Array.from({ length: files }, (_, i) => ({
    direction: 'download' as const,
    protocol: 'sftp',
    path: `/srv/ledger/close/${dateOf(day)}-${i}.csv.gz`,
    fileCount: 1,
    sizeBytes: Math.round(total / files),
  }))
  live(
    context,
    random,
    person,
    day,
    at,
    [],
    false,
    bulkWork(context, random, person, at, transfers, person.hosts[0]!, 'month-end'),
  )
}

export const migrate = (context: Context, random: Random, person: Person, day: number) => {
  const { migration } = context.world
  if (!migration.days.includes(day) || !migration.users.includes(person.user)) return
  for (let i = 0; i < random.int(2, 4); i++) {
    const at = toUtc(zoneAt(person, day), day, random.between(480, 1260))
    const direction = random.pick(['download', 'upload'] as const)
    const transfers = [
      {
        direction,
        protocol: 'rsync',
        path: '/var/lib/data',
        fileCount: random.int(50, 4000),
        sizeBytes: Math.round(random.between(4, 50) * gigabyte),
      },
    ]
    live(
      context,
      random,
      person,
      day,
      at,
      [{ rule: 'off-hours-login', class: 'migration-weekend' }],
      true,
      bulkWork(context, random, person, at, transfers, migration.target, 'migration-weekend'),
    )
  }
}

/** A few sudoers edits that a ticket announced. */
export const planPrivilegedChanges = (context: Context, random: Random) => {
  const { world } = context
  const editors = world.people.filter(
    ({ traits, joinedDay, leftDay }) =>
      traits.sudoShell && !traits.shift && leftDay === null && joinedDay < world.firstDay,
  )
  const changes: { user: string; day: number }[] = []
  for (const person of random.sample(editors, 3)) {
    const day = world.firstDay + random.int(32, world.days - 4)
    if (!worksOn(person, day) || person.travel.length > 0) continue
    const start = toUtc(zoneAt(person, day), day, 540)
    world.tickets.push({
      id: ticketId(random),
      type: 'privileged-change',
      users: [person.user],
      targets: [person.hosts[0]!],
      sourceIps: [],
      start,
      end: start + 9 * 60 * minuteMs,
      createdAt: start - random.int(1, 5) * dayMs,
    })
    changes.push({ user: person.user, day })
  }
  return changes
}

export const changePrivileges = (context: Context, random: Random, person: Person, day: number) => {
  const at = toUtc(zoneAt(person, day), day, random.between(600, 960))
  live(
    context,
    random,
    person,
    day,
    at,
    [{ rule: 'privilege-escalation', class: 'privileged-change-ticket', tolerated: context.directory !== 'whole' }],
    false,
    (origin) => {
      const bastion = bastionFor(context, random, person.bastions, origin.inside, at)
      if (!bastion) return null
      const commands = [{ line: 'sudo visudo -f /etc/sudoers.d/team' }, { line: 'sudo -l -U deploy' }]
      return {
        visit: {
          user: person.user,
          ip: origin.ip,
          bastion,
          target: person.hosts[0]!,
          at,
          credential: credentialAt(person, at),
          tty: true,
          durationMs: 15 * minuteMs,
          commands,
        },
        notes: [],
      }
    },
  )
}
