import type { Severity } from '#services/schema/alert.ts'

/** What commands do with privileges. `always`: alerts of anybody; the others only of whom they are no habit of. */
export const acts = {
  'root-shell': { always: false, severity: 'medium', text: 'a shell as root' },
  'other-shell': { always: false, severity: 'low', text: 'a shell as another user' },
  'become-root': { always: false, severity: 'low', text: 'became root' },
  'become-other': { always: false, severity: 'info', text: 'became another user' },
  'invalid-uid': {
    always: true,
    severity: 'high',
    text: 'sudo with a user id that gets around its rules (CVE-2019-14287)',
  },
  'sudo-chroot': { always: true, severity: 'high', text: 'sudo with a root directory of its own (CVE-2025-32463)' },
  'sudo-preload': { always: true, severity: 'high', text: 'sudo with a library put in front of others' },
  sudoers: { always: true, severity: 'high', text: 'the rules of who may become root were changed' },
  'authorized-keys': { always: true, severity: 'high', text: 'the login keys of another account were changed' },
  shadow: { always: true, severity: 'high', text: 'the password hashes were read or changed' },
  'passwd-file': { always: true, severity: 'high', text: 'the list of accounts was edited by hand' },
  pam: { always: true, severity: 'high', text: 'how people are authenticated was changed' },
  preload: { always: true, severity: 'high', text: 'a library was put in front of all others' },
  escape: { always: true, severity: 'high', text: 'a shell out of a program that ran as root' },
  'own-escape': { always: false, severity: 'medium', text: 'a shell out of another program' },
  setuid: { always: true, severity: 'high', text: 'a program was made to run as its owner' },
  capability: { always: true, severity: 'high', text: 'a program was given capabilities of root' },
  'host-from-container': { always: true, severity: 'high', text: 'a container with a way to the host' },
  'privileged-container': { always: false, severity: 'medium', text: 'a container with privileges' },
  'admin-group': { always: true, severity: 'high', text: 'an account was given administrative rights' },
  'audit-off': { always: true, severity: 'high', text: 'auditing or logging was switched off' },
  'log-wipe': { always: true, severity: 'high', text: 'logs were removed' },
  'history-wipe': { always: true, severity: 'medium', text: 'the history of the shell was removed or switched off' },
  'new-account': { always: false, severity: 'medium', text: 'an account was made' },
  'password-of-other': { always: false, severity: 'medium', text: 'the password of another account was set' },
  cron: { always: false, severity: 'medium', text: 'jobs that run as others were changed' },
  'sshd-config': { always: false, severity: 'medium', text: 'who may log in, and how, was changed' },
  'audit-config': { always: false, severity: 'medium', text: 'what is logged was changed' },
} as const satisfies Record<string, { always: boolean; severity: Severity; text: string }>

export type ActKind = keyof typeof acts
export type Act = { kind: ActKind; isExternal: boolean } // external: a program does it, whose exec is seen where execs are
/** Who runs a command. `user`: who logged in. */
export type Who = { user: string; isRoot: boolean }

export const act = (kind: ActKind): Act[] => [{ kind, isExternal: true }]
export const builtin = (kind: ActKind): Act[] => [{ kind, isExternal: false }]
/** A program of a command, without its name, to what it does. `read`: of a command inside it. */
export type Reader = (args: readonly string[], who: Who, read: ReadInner, name: string) => Act[]
export type ReadInner = (argv: readonly string[], who: Who) => Act[]
