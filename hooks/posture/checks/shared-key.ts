import { type Check, judged, named } from '../verdict.ts'

export const sharedKey: Check = {
  id: 'shared-key',
  about: 'the same key opens several accounts: one stolen key is all of them',
  fix: 'remove the key from all accounts but the one of its owner; use sudo to become another account',
  judge: (view) =>
    judged(view.keys, ({ accounts, notLookedAt }) => {
      const usersOf = new Map<string, Set<string>>()
      for (const { user, keys } of accounts)
        for (const { fingerprint } of keys) usersOf.set(fingerprint, (usersOf.get(fingerprint) ?? new Set()).add(user))
      const shared = [...usersOf]
        .filter(([, users]) => users.size > 1)
        .map(([fingerprint, users]) => ({ fingerprint, ...named([...users], 'users') }))
      const isUnclear = notLookedAt.length > 0
      const detail = { ...named(shared, 'keys'), ...(isUnclear && { notChecked: notLookedAt.slice(0, 20) }) }
      return [{ status: shared.length > 0 ? 'fail' : isUnclear ? 'warn' : 'ok', detail }]
    }),
}
