import { readSudo } from './sudo-line.ts'

/**
 * What sudo, su and login say of sessions on the bastion itself. Names and commands are chosen by whoever types them, so
 * nothing is looked for behind them that could stand in them.
 */
export type LocalFact =
  | { type: 'began'; program: LocalProgram; user: string; target: string | null; tty: string | null }
  | { type: 'ended'; program: LocalProgram; target: string }
export type LocalProgram = 'sudo' | 'su' | 'login'

const programs: Record<string, LocalProgram> = { sudo: 'sudo', su: 'su', login: 'login' }
export const localProgram = (program: string): LocalProgram | null =>
  Object.hasOwn(programs, program) ? programs[program]! : null

const maxPamChars = 600
const maxNameChars = 256
const pam =
  /^pam_unix\((sudo|su|login)(?:-i|-l)?:session\): session (opened|closed) for user ([^\s()]+)(?:\(uid=\d{1,10}\))?(?: by .*)?$/
const suStart = '(to '

const isName = (name: string): boolean => name !== '' && name.length <= maxNameChars

/** util-linux su(1): `(to root) alice on pts/0`; "none": it has no terminal. */
const readSu = (message: string): LocalFact | null => {
  if (!message.startsWith(suStart)) return null
  const close = message.indexOf(') ')
  const on = message.lastIndexOf(' on ')
  if (close < 0 || on < close + 2) return null
  const target = message.slice(suStart.length, close)
  const user = message.slice(close + 2, on)
  const tty = message.slice(on + 4)
  if (!isName(target) || !isName(user) || !isName(tty)) return null
  return { type: 'began', program: 'su', user, target, tty: tty === 'none' ? null : tty }
}

/** Who somebody was before is a number only in some versions, so PAM tells of a beginning only where there is no other word. */
const readPam = (message: string, program: LocalProgram): LocalFact | null => {
  if (message.length > maxPamChars || !message.startsWith('pam_unix(')) return null
  const [, service, what, user] = pam.exec(message) ?? []
  if (service !== program || user === undefined || !isName(user)) return null
  if (what === 'closed') return { type: 'ended', program, target: user }
  return program === 'login' ? { type: 'began', program, user, target: user, tty: null } : null
}

export const readLocal = (program: LocalProgram, message: string): LocalFact | null => {
  if (message.startsWith('pam_')) return readPam(message, program)
  if (program === 'su') return readSu(message)
  return program === 'sudo' ? readSudo(message) : null
}
