import { offsetMsOf } from '#detectors/directory/zone-time.ts'
import { becomeRoot, ordinarySteps, type Step } from './shell.ts'
import { type Member, memberOf, team } from './team.ts'

/** Somebody comes in over ssh. */
export type Visit = {
  member: Member
  atMs: number
  ip: string
  by: 'key' | 'password'
  failuresBefore: number
  what: 'shell' | 'sftp' | 'tunnel'
  steps: Step[]
  files: { path: string; sizeBytes: number }[]
}
/** Somebody tries, and does not come in. */
export type Attempts = { user: string; ip: string; atMs: number; count: number; everyMs: number; isKnown: boolean }
export type Day = { startMs: number; visits: Visit[]; attempts: Attempts[] }

const dayMs = 86_400_000
const hourMs = 3_600_000

const isWeekday = (dayStartMs: number): boolean => ![0, 6].includes(new Date(dayStartMs).getUTCDay())

/** The last working day that is over everywhere. */
export const workingDay = (nowMs: number): number => {
  let startMs = Math.floor(nowMs / dayMs) * dayMs - dayMs
  while (!isWeekday(startMs)) startMs -= dayMs
  return startMs
}

const at = ({ zone }: Member, dayStartMs: number, hour: number): number => {
  const asUtc = dayStartMs + hour * hourMs
  return Math.round(asUtc - offsetMsOf(zone, asUtc))
}

const visit = (member: Member, atMs: number, n: number, more: Partial<Visit> = {}): Visit => ({
  member,
  atMs,
  ip: member.ip,
  by: 'key',
  failuresBefore: 0,
  what: 'shell',
  steps: ordinarySteps(n, member.isAdmin),
  files: [],
  ...more,
})

const scanner = (dayStartMs: number, n: number): Attempts => ({
  user: ['admin', 'oracle', 'test', 'postgres'][n % 4]!,
  ip: `198.51.100.${10 + (n % 200)}`,
  atMs: dayStartMs + (2 + (n % 19)) * hourMs,
  count: 12,
  everyMs: 4_000,
  isKnown: false,
})

const ordinaryDay = (dayStartMs: number, day: number): Day => {
  const visits = isWeekday(dayStartMs)
    ? team.flatMap((member, m) =>
        [0.4, 4.7].slice(0, 1 + ((day + m) % 2)).map((hours, i) => {
          const fetched =
            member.role === 'database' && i === 0 ? [{ path: '/srv/export/daily.csv', sizeBytes: 90_000 }] : []
          return visit(
            member,
            at(member, dayStartMs, member.startHour + hours + ((day * 7 + m * 3) % 10) / 12),
            day + m + i,
            {
              failuresBefore: (day + m * 5) % 23 === 0 ? 1 : 0,
              files: fetched,
            },
          )
        }),
      )
    : []
  return { startMs: dayStartMs, visits, attempts: [scanner(dayStartMs, day)] }
}

const manyFiles = Array.from({ length: 240 }, (_, n) => ({
  path: `/srv/customers/contract-${1_000 + n}.pdf`,
  sizeBytes: 180_000 + n * 37,
}))

/** One of each kind. */
const incidents = (dayStartMs: number): Pick<Day, 'visits' | 'attempts'> => {
  const [maria, tom, li, joe, nadia] = ['maria', 'tom', 'li', 'joe', 'nadia'].map(memberOf) as [
    Member,
    Member,
    Member,
    Member,
    Member,
  ]
  return {
    visits: [
      visit(tom, at(tom, dayStartMs, 3.2), 1),
      visit(li, at(li, dayStartMs, 14.1), 2, { ip: '203.0.113.77' }),
      visit(maria, at(maria, dayStartMs, 15.3), 3, { ip: '198.51.100.250', by: 'password', failuresBefore: 6 }),
      visit(nadia, at(nadia, dayStartMs, 16.2), 4, { what: 'sftp', steps: [], files: manyFiles }),
      visit(joe, at(joe, dayStartMs, 14.6), 5, { steps: becomeRoot }),
      visit(tom, at(tom, dayStartMs, 16.8), 6, { what: 'tunnel', steps: [] }),
    ],
    attempts: [
      { user: 'ana', ip: '198.51.100.222', atMs: dayStartMs + 13 * hourMs, count: 120, everyMs: 3_000, isKnown: true },
    ],
  }
}

export const planDays = (nowMs: number, historyDays: number): Day[] => {
  const last = workingDay(nowMs)
  const days = Array.from({ length: historyDays + 1 }, (_, n) => ordinaryDay(last - (historyDays - n) * dayMs, n))
  const today = days.at(-1)!
  const { visits, attempts } = incidents(last)
  days[days.length - 1] = { ...today, visits: [...today.visits, ...visits], attempts: [...today.attempts, ...attempts] }
  return days
}
