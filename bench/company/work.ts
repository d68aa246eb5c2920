import type { RuleId } from '#services/schema/alert.ts'
import { dutiesOf, everyday, rootShell, temptingOf } from './commands.ts'
import type { Context } from './context.ts'
import { copies } from './copies.ts'
import { credentialAt, type Person } from './model.ts'
import { bastionFor, type Origin } from './origin.ts'
import type { Random } from './random.ts'
import type { Visit } from './session.ts'
import { minuteMs } from './zone.ts'

const megabyte = 1_000_000

export type Work = { visit: Visit; notes: { rule: RuleId; class: string }[] }

const shell = (random: Random, person: Person, visit: Visit): Work => {
  const notes: Work['notes'] = []
  const { traits, role } = person
  const commands = everyday(random, role)
  if (traits.sudoDuty && random.chance(0.35)) {
    commands.push(...dutiesOf(random, role))
    notes.push({ rule: 'privilege-escalation', class: 'duty-sudo' })
  }
  if (traits.sudoShell && random.chance(0.22)) {
    commands.push(...rootShell(random))
    notes.push({ rule: 'privilege-escalation', class: 'routine-root-shell' })
  }
  if (random.chance(0.04)) {
    commands.splice(random.int(0, commands.length), 0, ...temptingOf(random, traits.sudoDuty))
    notes.push({ rule: 'privilege-escalation', class: 'harmless-command' })
  }
  const forwards =
    traits.forwarder && random.chance(0.2)
      ? [{ direction: 'local' as const, destHost: 'localhost', destPort: random.pick([5432, 8080, 3306, 9090]) }]
      : []
  if (forwards.length > 0) notes.push({ rule: 'recording-gap', class: 'forward-in-session' })
  return { visit: { ...visit, commands, forwards }, notes }
}

const tail = (random: Random, visit: Visit): Work => ({
  visit: {
    ...visit,
    commands: [
      { line: 'cd /var/log/app' },
      { line: `tail -f /var/log/app/${random.pick(['app', 'access', 'error'])}.log` },
    ],
    durationMs: random.between(20, 200) * minuteMs,
    outBytes: Math.round(Math.min(95, random.logNormal(18, 0.7)) * megabyte),
  },
  notes: [{ rule: 'bulk-transfer', class: 'tail-heavy' }],
})

/** What a person does in one connection at that time; null when no bastion can be reached. */
export const workOf = (
  context: Context,
  random: Random,
  person: Person,
  at: number,
  origin: Origin,
  only?: 'shell',
): Work | null => {
  const bastion = bastionFor(context, random, person.bastions, origin.inside, at)
  if (!bastion) return null
  const { traits } = person
  const visit: Visit = {
    user: person.user,
    ip: origin.ip,
    bastion,
    target: random.chance(0.7) ? person.hosts[0]! : random.pick(person.hosts),
    at,
    credential: credentialAt(person, at),
    tty: true,
    durationMs: Math.min(300, Math.max(0.4, random.logNormal(14, 0.9))) * minuteMs,
  }
  const kind =
    only ??
    random.weighted<'shell' | 'exec' | 'tail' | keyof typeof copies>([
      ['shell', 60],
      ['exec', 8],
      ['log-copy', traits.logCopier ? 14 : 0],
      ['big-copy', traits.bigCopier ? 4 : 0],
      ['deploy', traits.deployer ? 12 : 0],
      ['small-sftp', traits.smallSftp ? 12 : 0],
      ['git', traits.gitUser ? 20 : 0],
      ['tail', traits.tailer ? 12 : 0],
    ])
  if (kind === 'shell') return shell(random, person, visit)
  if (kind === 'exec')
    return {
      visit: {
        ...visit,
        tty: false,
        durationMs: random.int(500, 20_000),
        commands: everyday(random, person.role).slice(0, 1),
      },
      notes: [],
    }
  return kind === 'tail' ? tail(random, visit) : copies[kind](random, person, visit)
}
