import { serviceVisit } from './automation.ts'
import type { Context } from './context.ts'
import type { Person, Service } from './model.ts'
import {
  enter,
  findServiceSlot,
  findSlot,
  label,
  occupy,
  plantVisit,
  quietVisit,
  type Slot,
  type Variants,
  workMoment,
} from './planting.ts'
import type { Random } from './random.ts'
import type { Transfer, Visit } from './session.ts'
import { worksOn } from './world.ts'
import { minuteMs } from './zone.ts'

const megabyte = 1_000_000
const gigabyte = 1_000_000_000

const modest = ({ traits, role }: Person) => !traits.bigCopier && role !== 'finance' && role !== 'database'
const apart = (context: Context) => ({
  suits: modest,
  fits: ({ user }: Person, day: number) =>
    !context.world.migration.users.includes(user) || !context.world.migration.days.includes(day),
})

const secrets = ['/srv/customers', '/home/shared/contracts', '/srv/app/exports', '/var/backups', '/srv/hr', '/data/raw']

type Shape = (random: Random, visit: Visit) => Partial<Visit>

const download = (protocol: string, path: string, sizeBytes: number, fileCount: number): Transfer => ({
  direction: 'download',
  protocol,
  path,
  sizeBytes: Math.round(sizeBytes),
  fileCount,
})

const once =
  (shape: Shape, suits?: (person: Person) => boolean) =>
  (context: Context, random: Random, variant: string): boolean => {
    const wish = apart(context)
    const slot = findSlot(context, random, { ...wish, suits: (person) => modest(person) && (suits?.(person) ?? true) })
    if (!slot) return false
    const at = workMoment(random, slot)
    const quiet = quietVisit(context, random, slot, at, 'usual')
    if (!quiet) return false
    const plain: Visit = { ...quiet, commands: [], forwards: [], tty: false, durationMs: random.int(4, 45) * minuteMs }
    return plantVisit(context, random, 'bulk-transfer', variant, { ...plain, ...shape(random, plain) })
  }

const manyFiles: Shape = (random) => {
  const folder = random.pick(secrets)
  return {
    transfers: Array.from({ length: random.int(200, 600) }, (_, i) =>
      download('sftp', `${folder}/${i}-${random.hex(4)}.pdf`, random.logNormal(0.7, 0.9) * megabyte, 1),
    ),
  }
}
const fewLarge: Shape = (random) => {
  const total = random.between(1.5, 8) * gigabyte
  const count = random.int(1, 6)
  const protocol = random.pick(['sftp', 'scp'])
  return {
    transfers: Array.from({ length: count }, (_, i) =>
      download(protocol, `${random.pick(secrets)}/part-${i}.tar.gz`, total / count, 1),
    ),
  }
}
const tarStream: Shape = (random) => ({
  commands: [{ line: `tar czf - ${random.pick(secrets)}` }],
  outBytes: Math.round(random.between(1.2, 9) * gigabyte),
})
const terminalDump: Shape = (random) => ({
  tty: true,
  commands: [
    { line: 'cd /var/backups' },
    { line: 'ls -la' },
    { line: `cat ${random.pick(['dump.sql', 'customers.csv', 'export.json'])}` },
  ],
  outBytes: Math.round(random.between(90, 700) * megabyte),
})
const rsyncPull: Shape = (random) => ({
  commands: [{ line: `rsync --server --sender -logDtpre.iLsfxC . ${random.pick(secrets)}` }],
  transfers: [download('rsync', random.pick(secrets), random.between(1, 12) * gigabyte, random.int(300, 9000))],
})

const drip = (context: Context, random: Random, variant: string): boolean => {
  const slot = findSlot(context, random, {
    ...apart(context),
    suits: (person) => modest(person) && !person.traits.logCopier && !person.traits.shift,
    tail: 9,
  })
  if (!slot) return false
  const sessions = []
  const perDay = random.between(90, 220) * megabyte
  let first: Visit | null = null
  for (let day = slot.day; day < slot.day + 8; day++) {
    if (!worksOn(slot.person, day)) continue
    occupy(context, slot.person.user, day)
    const today: Slot = { ...slot, day }
    const quiet = quietVisit(context, random, today, workMoment(random, today), 'usual')
    if (!quiet) continue
    first ??= quiet
    const files = random.int(15, 60)
    const total = perDay * random.between(0.7, 1.3)
    sessions.push(
      enter(context, random, {
        ...quiet,
        commands: [],
        forwards: [],
        tty: false,
        durationMs: random.int(3, 15) * minuteMs,
        transfers: Array.from({ length: files }, (_, i) =>
          download('sftp', `${random.pick(secrets)}/${day}-${i}.zip`, total / files, 1),
        ),
      }),
    )
  }
  if (!first || sessions.length < 4) return false
  label(context, {
    rule: 'bulk-transfer',
    variant,
    user: first.user,
    bastion: first.bastion,
    sessionIds: sessions.map(({ sessionId }) => sessionId),
    fromMs: sessions[0]?.fromMs ?? 0,
    toMs: sessions.at(-1)?.toMs ?? 0,
  })
  return true
}

/** An account that only ever pushes or looks suddenly pulls. */
const service = (context: Context, random: Random, variant: string): boolean => {
  const isNoPuller = ({ job }: Service) => ['deploy', 'monitor', 'config', 'inventory'].includes(job)
  const slot = findServiceSlot(context, random, isNoPuller, [6, 19])
  if (!slot) return false
  return plantVisit(context, random, 'bulk-transfer', variant, {
    ...serviceVisit(slot.service, random, slot.at),
    durationMs: 20 * minuteMs,
    transfers: [download('sftp', random.pick(secrets), random.between(2, 7) * gigabyte, random.int(4, 90))],
  })
}

export const bulkVariants: Variants = {
  'many-files': { count: 5, plant: once(manyFiles) },
  'few-large': { count: 3, plant: once(fewLarge) },
  'tar-stdio': { count: 3, plant: once(tarStream) },
  'terminal-dump': { count: 3, plant: once(terminalDump, ({ traits }) => !traits.tailer) },
  drip: { count: 2, plant: drip },
  rsync: { count: 2, plant: once(rsyncPull) },
  'service-account': { count: 2, plant: service },
}
