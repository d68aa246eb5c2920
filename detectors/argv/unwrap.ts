import { basename } from 'node:path/posix'
import { letters, readOptions } from './options.ts'

/** Programs that only start another one: what they start is what was done. */

export const nameOf = (word: string | undefined): string => basename(word ?? '').replace(/^-/, '')

const isAssignment = (word: string): boolean => {
  const at = word.indexOf('=')
  return at > 0 && /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(word.slice(0, at))
}

export type Unwrapped = { argv: readonly string[]; assignments: readonly string[] }

const assigned = (argv: readonly string[]): Unwrapped => {
  const first = argv.findIndex((word) => !isAssignment(word))
  const at = first < 0 ? argv.length : first
  return { argv: argv.slice(at), assignments: argv.slice(0, at) }
}

// What takes a value, and how many operands come before the command.
const starters = new Map<string, { withValue: ReadonlySet<string>; operands: number }>([
  ['env', { withValue: letters('u unset C chdir S split-string'), operands: 0 }],
  ['nohup', { withValue: letters(''), operands: 0 }],
  ['nice', { withValue: letters('n adjustment'), operands: 0 }],
  ['ionice', { withValue: letters('c n p class classdata'), operands: 0 }],
  ['chrt', { withValue: letters('T P D'), operands: 1 }],
  ['taskset', { withValue: letters(''), operands: 1 }],
  ['setsid', { withValue: letters(''), operands: 0 }],
  ['stdbuf', { withValue: letters('i o e'), operands: 0 }],
  ['time', { withValue: letters('f o'), operands: 0 }],
  ['timeout', { withValue: letters('k s kill-after signal'), operands: 1 }],
  ['command', { withValue: letters(''), operands: 0 }],
  ['exec', { withValue: letters('a'), operands: 0 }],
  ['builtin', { withValue: letters(''), operands: 0 }],
  ['busybox', { withValue: letters(''), operands: 0 }],
  ['systemd-run', { withValue: letters('u p E unit property setenv uid gid slice description'), operands: 0 }],
  ['xargs', { withValue: letters('a d E I L n P s'), operands: 0 }],
])
const maxLayers = 8

export const unwrap = (argv: readonly string[]): Unwrapped => {
  let current: Unwrapped = { argv, assignments: [] }
  for (let layer = 0; layer < maxLayers; layer++) {
    const first = current.argv[0]
    if (first === undefined) return current
    const isBare = !first.includes('=')
    const starter = isBare ? starters.get(nameOf(first)) : undefined
    if (isBare && !starter) return current
    const { withValue, operands } = starter ?? { withValue: letters(''), operands: 0 }
    const rest = starter ? readOptions(current.argv.slice(1), { withValue, isStrict: true }).operands : current.argv
    const { argv: next, assignments } = assigned(rest.slice(operands))
    if (!starter && assignments.length === 0) return current
    current = { argv: next, assignments: [...current.assignments, ...assignments] }
  }
  return current
}
