import { boundedLines } from './lines.ts'

export type Account = { user: string; uid: number; home: string; shell: string }

const limits = { maxLines: 20_000, maxChars: 4_096 }
const maxId = 4_294_967_295
/** useradd's own rule (useradd(8), CAVEATS), with capitals and dots. A name goes into commands and events. */
const userName = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/

/** passwd(5). Lines that are none, and names that no tool makes, are left out. */
export const readAccounts = (text: string): Account[] =>
  boundedLines(text, limits).flatMap((line) => {
    const [user, , id, , , home, shell, ...more] = line.split(':')
    if (shell === undefined || more.length > 0 || !userName.test(user!) || !/^\d{1,10}$/.test(id!)) return []
    if (Number(id) > maxId) return []
    return [{ user: user!, uid: Number(id), home: home || '/', shell: shell || '/bin/sh' }]
  })

const closed = new Set(['nologin', 'false', 'true', 'sync', 'halt', 'shutdown'])
export const shellName = (shell: string): string => shell.slice(shell.lastIndexOf('/') + 1)

/** Accounts that get something to run when they log in. */
export const canLogIn = ({ shell }: Account): boolean => !closed.has(shellName(shell))

/** shadow(5): users whose password opens the account. Neither hashes nor anything of them leaves this function. */
export const readUsablePasswords = (text: string): ReadonlySet<string> =>
  new Set(
    boundedLines(text, limits).flatMap((line) => {
      const [user, password] = line.split(':', 2)
      return password !== undefined && userName.test(user!) && !/^[!*]/.test(password) ? [user!] : []
    }),
  )
