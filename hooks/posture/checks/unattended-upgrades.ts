import { type Check, judged, named } from '../verdict.ts'

const hourMs = 3_600_000
const limitHours = 24
const staleDays = 7

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

export const unattendedUpgrades: Check = {
  id: 'unattended-upgrades',
  about:
    'a security update waits for more than 24 hours; `warn`: upgrades do not install themselves, or the lists of apt are older than 7 days',
  fix: 'apt-get update && apt-get upgrade; apt-get install unattended-upgrades && dpkg-reconfigure -plow unattended-upgrades',
  judge: (view) =>
    judged(view.updates, ({ pending, listsAtMs, unattended }) => {
      // What the lists name was there when they were written, whenever it was seen first.
      const since = pending.map(({ name, version }) =>
        Math.min(view.firstSeenMs(`update ${name} ${version}`) ?? view.nowMs, listsAtMs ?? view.nowMs),
      )
      const sinceMs = since.length === 0 ? null : Math.min(...since)
      const isLate = sinceMs !== null && view.nowMs - sinceMs > limitHours * hourMs
      const isStale = listsAtMs === null || view.nowMs - listsAtMs > staleDays * 24 * hourMs
      const packages = pending.map(({ name }) => name)
      const detail = {
        ...named(packages, 'pending'),
        pendingSince: iso(sinceMs),
        limitHours,
        listsAt: iso(listsAtMs),
        unattended,
      }
      return [{ status: isLate ? 'fail' : !unattended || isStale ? 'warn' : 'ok', detail }]
    }),
}
