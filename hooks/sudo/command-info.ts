import { BartizanError } from '#services/errors.ts'
import type { InfoMessage } from '#services/schema/generated/log_server_pb.ts'

/** What the info messages of an accept, reject or alert say; null where a key did not come. */
export type CommandInfo = {
  command: string | null // path of the program
  argv: string[]
  env: Record<string, string>
  cwd: string | null // where it runs: runcwd, or where it was submitted from
  runUser: string | null
  submitUser: string | null
  submitHost: string | null
  tty: string | null
  rows: number | null
  cols: number | null
}

/** Limits of what is kept of one command; what is cut off is said in the text that stays. */
export const infoLimits = {
  stringChars: 64 * 1024,
  nameChars: 253, // of a DNS name; the longest that an event takes
  argvCount: 4096,
  argvJsonBytes: 128 * 1024, // so that a marker with it stays well below one batch
  envCount: 4096,
} as const

const cut = (text: string, limit: number = infoLimits.stringChars): string =>
  text.length <= limit ? text : `${text.slice(0, limit - 40).toWellFormed()}…[${text.length - limit + 40} more]`

// The name of a user or host is a key: shortening it could make it another's.
const nameOf = (text: string | null): string | null => {
  if (text !== null && text.length > infoLimits.nameChars) {
    throw new BartizanError('BTZ_SUDO_PROTOCOL', `a name of ${text.length} characters`)
  }
  return text === '' ? null : text
}

const boundedArgv = (argv: readonly string[]): string[] => {
  const kept: string[] = []
  let room: number = infoLimits.argvJsonBytes
  for (const word of argv) {
    const bounded = cut(word)
    room -= Buffer.byteLength(JSON.stringify(bounded)) + 1
    if (room < 0 || kept.length === infoLimits.argvCount - 1) {
      return [...kept, `…[${argv.length - kept.length} more arguments]`]
    }
    kept.push(bounded)
  }
  return kept
}

// The names that say where a session comes from are first in line for a place, and the first of equal names counts, as
// for getenv(3): nobody can push them out with thousands of others.
const environment = (list: readonly string[]): Record<string, string> => {
  const isOrigin = (entry: string): boolean => entry.startsWith('SSH_')
  const kept = [...list.filter(isOrigin), ...list.filter((entry) => !isOrigin(entry))].slice(0, infoLimits.envCount)
  return Object.fromEntries(
    kept.reverse().flatMap((entry) => {
      const split = entry.indexOf('=')
      return split > 0 ? [[entry.slice(0, split), cut(entry.slice(split + 1))]] : []
    }),
  )
}

// Sizes of a terminal are u16 in the kernel; 0 = not known.
const size = (value: bigint | null): number | null =>
  value !== null && value >= 1n && value <= 0xffffn ? Number(value) : null

/** Unknown keys are ignored, a key without a value (no terminal: ttyname) counts as absent. */
export const readCommandInfo = (infos: readonly InfoMessage[]): CommandInfo => {
  const byKey = new Map(infos.map(({ key, value }) => [key, value]))
  const text = (key: string): string | null => {
    const value = byKey.get(key)
    return value?.case === 'strval' ? value.value : null
  }
  const number = (key: string): bigint | null => {
    const value = byKey.get(key)
    return value?.case === 'numval' ? value.value : null
  }
  const strings = (key: string): string[] => {
    const value = byKey.get(key)
    return value?.case === 'strlistval' ? value.value.strings : []
  }
  const path = (key: string): string | null => {
    const value = text(key)
    return value === null ? null : cut(value, 8192)
  }
  return {
    command: path('command'),
    argv: boundedArgv(strings('runargv')),
    env: environment(strings('runenv')),
    cwd: path('runcwd') ?? path('submitcwd'),
    runUser: nameOf(text('runuser')),
    submitUser: nameOf(text('submituser')),
    submitHost: nameOf(text('submithost')),
    tty: nameOf(text('ttyname')),
    rows: size(number('lines')),
    cols: size(number('columns')),
  }
}
