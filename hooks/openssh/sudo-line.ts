import { z } from 'zod'
import { jsonObject } from '#services/json.ts'
import type { LocalFact } from './local-facts.ts'

/** What sudo logs of a command that it runs, sudoers(5) LOG FORMAT. */

const maxNameChars = 256
const runMark = ' ; COMMAND='
const userMark = ' ; USER='
/** Where a reason of a refusal would stand, there is the terminal at once. */
const head = /^([^\s:][^\s]{0,255}) : (?:HOST=[^\s;]{1,255} ; )?TTY=([^\s;]{1,64}) ; /

/** sudo -l and -v are logged as the commands `list` and `validate`; all others are paths. */
const isRun = (command: string): boolean => command.startsWith('/') || command.startsWith('sudoedit ')

/** The folder stands in the line, too, and may be named like anything: one that runs is enough. */
const runsSomething = (message: string): boolean => {
  for (let at = message.indexOf(runMark); at >= 0; at = message.indexOf(runMark, at + 1))
    if (isRun(message.slice(at + runMark.length, at + runMark.length + 16))) return true
  return false
}

/** Null: nothing says it, or more than one place does. */
const runAsOf = (message: string): string | null => {
  const at = message.indexOf(userMark)
  if (at < 0 || message.includes(userMark, at + 1)) return null
  const name = message.slice(at + userMark.length, at + userMark.length + maxNameChars).split(' ', 1)[0]!
  return name === '' ? null : name
}

const readText = (message: string): LocalFact | null => {
  const found = head.exec(message)
  if (!found || !runsSomething(message)) return null
  const [, user, tty] = found
  return { type: 'began', program: 'sudo', user: user!, target: runAsOf(message), tty: tty === 'unknown' ? null : tty! }
}

const name = z.string().min(1).max(maxNameChars)
const Accepted = z.object({
  sudo: z.object({
    accept: z.object({
      submituser: name,
      runuser: name.optional(),
      ttyname: z.string().min(1).max(maxNameChars).optional(),
      command: z.string(),
    }),
  }),
})

/** `log_format=json`: CEE-enhanced syslog. */
const readJson = (message: string): LocalFact | null => {
  const read = Accepted.safeParse(jsonObject(message.slice(cee.length)))
  if (!read.success || !isRun(read.data.sudo.accept.command)) return null
  const { submituser, runuser, ttyname } = read.data.sudo.accept
  const tty = ttyname?.replace(/^\/dev\//, '') ?? null
  return { type: 'began', program: 'sudo', user: submituser, target: runuser ?? null, tty }
}
const cee = '@cee:'

/** Null: it ran nothing, or goes on with a line of before. */
export const readSudo = (message: string): LocalFact | null =>
  message.startsWith(cee) ? readJson(message) : readText(message)
