import { normalize } from 'node:path/posix'
import type { ActKind, Who } from './acts.ts'

/** Files by what it means to change them. */

const maxPath = 1_024
const exact = new Map<string, ActKind>([
  ['/etc/sudoers', 'sudoers'],
  ['/etc/doas.conf', 'sudoers'],
  ['/etc/shadow', 'shadow'],
  ['/etc/shadow-', 'shadow'],
  ['/etc/gshadow', 'shadow'],
  ['/etc/passwd', 'passwd-file'],
  ['/etc/group', 'passwd-file'],
  ['/etc/pam.conf', 'pam'],
  ['/etc/ld.so.preload', 'preload'],
  ['/etc/crontab', 'cron'],
  ['/etc/ssh/sshd_config', 'sshd-config'],
  ['/etc/rsyslog.conf', 'audit-config'],
])
const folders: readonly (readonly [string, ActKind])[] = [
  ['/etc/sudoers.d', 'sudoers'],
  ['/etc/polkit-1/rules.d', 'sudoers'],
  ['/etc/pam.d', 'pam'],
  ['/etc/cron.d', 'cron'],
  ['/etc/cron.daily', 'cron'],
  ['/etc/cron.hourly', 'cron'],
  ['/etc/cron.weekly', 'cron'],
  ['/etc/cron.monthly', 'cron'],
  ['/var/spool/cron', 'cron'],
  ['/etc/ssh/sshd_config.d', 'sshd-config'],
  ['/etc/audit', 'audit-config'],
  ['/etc/rsyslog.d', 'audit-config'],
]
const securityLogs = new Set(
  'auth.log secure wtmp btmp lastlog faillog syslog messages sudo.log kern.log audit'.split(' '),
)
const histories = ['.bash_history', '.zsh_history', '.sh_history', '.ash_history', '.history']

const isWithin = (path: string, folder: string): boolean =>
  path === folder || (path.startsWith(folder) && path[folder.length] === '/')

const keysOwner = (path: string, { user, isRoot }: Who): string | null => {
  const at = path.search(/(?:^|\/)\.ssh\/authorized_keys2?$/)
  if (at < 0) return null
  const home = path.slice(0, at)
  if (home === '' || home === '~' || home === '$HOME') return path.startsWith('/') || isRoot ? 'root' : user
  return home === '/root' ? 'root' : home.slice(home.lastIndexOf('/') + 1).replace(/^~/, '')
}

const cleanPath = (word: string): string => normalize(word.slice(0, maxPath)).replace(/(?<=.)\/$/, '')

/** What changing the file is; null: nothing of note. */
export const fileKind = (word: string, who: Who): ActKind | null => {
  if (word.length < 5 || !word.includes('/')) return null
  const path = cleanPath(word)
  const named = exact.get(path) ?? folders.find(([folder]) => isWithin(path, folder))?.[1]
  if (named) return named
  const owner = keysOwner(path, who)
  return owner !== null && owner !== who.user ? 'authorized-keys' : null
}

/** What removing or emptying it hides. */
export const hiddenBy = (word: string): ActKind | null => {
  const path = cleanPath(word)
  if (histories.some((name) => path === name || path.endsWith(`/${name}`))) return 'history-wipe'
  if (path === '/var/log' || path === '/var/log/*') return 'log-wipe'
  if (!path.startsWith('/var/log/')) return null
  const name = path.slice('/var/log/'.length)
  const first = name.split('/', 1)[0]!
  return securityLogs.has(name.replace(/\*$/, '').replace(/\/$/, '')) || first === 'audit' ? 'log-wipe' : null
}

export const isPasswordHashes = (word: string): boolean => exact.get(cleanPath(word)) === 'shadow'
