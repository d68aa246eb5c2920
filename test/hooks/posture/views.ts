import { readAuthorizedKeys } from '#hooks/posture/read/authorized-keys.ts'
import { readSshd } from '#hooks/posture/read/sshd.ts'
import { seen } from '#hooks/posture/verdict.ts'
import type { View } from '#hooks/posture/view.ts'

export const nowMs = Date.UTC(2026, 5, 1, 12)
export const dayMs = 24 * 3_600_000

/** A machine on which nothing was found, with what a test says. */
export const viewOf = (parts: Partial<View> = {}): View => ({
  nowMs,
  accounts: seen([]),
  passwords: seen(new Set<string>()),
  sshd: seen({ views: [], usersNotLookedAt: 0 }),
  keys: seen({ accounts: [], notLookedAt: [] }),
  sudoers: seen([]),
  firewall: seen([]),
  updates: seen({ pending: [], listsAtMs: nowMs, unattended: true }),
  compilers: seen([]),
  firstSeenMs: () => null,
  ...parts,
})

/** What sshd says of anybody. */
export const sshdOf = (text: string): View['sshd'] =>
  seen({ views: [{ user: null, sshd: readSshd(text) }], usersNotLookedAt: 0 })

/** Accounts by name, each with its authorized_keys. */
export const keysOf = (files: Record<string, string>, changedAtMs = nowMs): View['keys'] =>
  seen({
    accounts: Object.entries(files).map(([user, text]) => ({ user, changedAtMs, ...readAuthorizedKeys(text) })),
    notLookedAt: [],
  })
