import { type Check, named } from '../verdict.ts'
import { aboutPeople } from './key-facts.ts'

const dayMs = 24 * 3_600_000
const limitDays = 365
const soonDays = 335

export const credentialAge: Check = {
  id: 'credential-age',
  about:
    'a key is older than 365 days (`warn`: than 335). Its age is counted from when it was first seen here, or from the last change of its file where that is earlier',
  fix: 'let its owner make a new key, replace the old line in authorized_keys, and see that the old key no longer lets him in',
  judge: (view) =>
    aboutPeople(view, ({ user, keys, changedAtMs }) => {
      // No key in a file is younger than the file; a touched file does not make a key younger that was seen before.
      const sinceOf = (fingerprint: string) =>
        Math.min(view.firstSeenMs(`key ${user} ${fingerprint}`) ?? view.nowMs, Math.max(0, changedAtMs), view.nowMs)
      const aged = keys
        .map(({ fingerprint }) => ({ fingerprint, sinceMs: sinceOf(fingerprint) }))
        .map(({ fingerprint, sinceMs }) => ({ fingerprint, ageDays: Math.floor((view.nowMs - sinceMs) / dayMs) }))
        .filter(({ ageDays }) => ageDays > soonDays)
      if (aged.length === 0) return null
      const oldestDays = Math.max(...aged.map(({ ageDays }) => ageDays))
      return {
        user,
        status: oldestDays > limitDays ? 'fail' : 'warn',
        detail: { oldestDays, limitDays, ...named(aged, 'keys') },
      }
    }),
}
