import {
  byRole,
  configAccountLines,
  configLines,
  databaseDuties,
  duties,
  general,
  rootWork,
  tempting,
} from './command-lines.ts'
import type { Role } from './model.ts'
import type { Random } from './random.ts'
import type { Command } from './session.ts'

const lines = (list: string[]): Command[] => list.map((line) => ({ line }))
const some = (random: Random, list: string[], min: number, max: number) =>
  lines(Array.from({ length: random.int(min, max) }, () => random.pick(list)))

export const everyday = (random: Random, role: Role) => {
  const count = Math.min(60, Math.max(1, Math.round(random.logNormal(7, 0.7))))
  return lines(
    Array.from({ length: count }, () => (random.chance(0.35) ? random.pick(general) : random.pick(byRole[role]))),
  )
}
export const dutiesOf = (random: Random, role: Role) =>
  some(random, role === 'database' ? databaseDuties : duties, 1, 4)
export const rootShell = (random: Random): Command[] => [
  {
    line: random.weighted([
      ['sudo -i', 7],
      ['sudo -s', 1],
    ]),
    elevates: { method: 'sudo', toUser: 'root' },
  },
  ...some(random, rootWork, 2, 7).map((command) => ({ ...command, runAs: 'root' })),
]
export const temptingOf = (random: Random, duty: boolean) =>
  some(random, duty ? [...tempting, 'sudo -l'] : tempting, 1, 2)
export const configWork = (random: Random) => some(random, configLines, 2, 4)
export const configAccountWork = (random: Random, name: string) =>
  lines(random.sample(configAccountLines(name), random.int(1, 3)))
export const plainRoot = (random: Random) => some(random, rootWork, 2, 5)
