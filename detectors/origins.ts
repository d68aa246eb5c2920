import type { SessionEvent } from '#services/schema/session-event.ts'
import type { Annotator, FoldContext } from './engine/folded.ts'
import type { Observed } from './rule.ts'

/** What a network knows of the logins from it: who came in, and how much failed in the last hour. */

type Visitor = { user: string; ip: string; lastMs: number }
type Minute = { minute: number; count: number }
type Failing = { ip: string; minutes: readonly Minute[]; names: readonly { name: string; lastMs: number }[] }
export type Origins = { visitors: readonly Visitor[]; failing: readonly Failing[] }

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const visitorMs = 30 * 24 * hourMs

// Of a network. What is beyond them is forgotten, the oldest first.
const maxVisitors = 64
const maxFailing = 32
const maxNames = 32

/** Whether it is in the `lengthMs` before; what comes late may be before what is known. */
const isWithin = (thenMs: number, nowMs: number, lengthMs: number): boolean =>
  thenMs > nowMs - lengthMs && thenMs <= nowMs

const minuteOf = (timeMs: number): number => Math.floor(timeMs / minuteMs)

/** Without the longest unseen, where they are too many. */
const newest = <T>(all: readonly T[], max: number, lastMs: (one: T) => number): readonly T[] => {
  if (all.length <= max) return all
  const oldest = all.reduce((a, b) => (lastMs(b) < lastMs(a) ? b : a))
  return all.filter((one) => one !== oldest)
}

const afterLogin = (state: Origins, user: string, ip: string, timeMs: number): Origins => {
  const before = state.visitors.find((one) => one.user === user && one.ip === ip)
  const others = state.visitors.filter((one) => one !== before && one.lastMs > timeMs - visitorMs)
  const visitor = { user, ip, lastMs: Math.max(timeMs, before?.lastMs ?? 0) }
  return { ...state, visitors: newest([...others, visitor], maxVisitors, ({ lastMs }) => lastMs) }
}

const withMinute = (minutes: readonly Minute[], timeMs: number): readonly Minute[] => {
  const minute = minuteOf(timeMs)
  const count = (minutes.find((one) => one.minute === minute)?.count ?? 0) + 1
  const latest = Math.max(minute, minutes.at(-1)?.minute ?? minute)
  const others = minutes.filter((one) => one.minute !== minute && one.minute >= latest - 60)
  return [...others, { minute, count }].sort((a, b) => a.minute - b.minute)
}

const lastFailureMs = ({ minutes }: Failing): number => ((minutes.at(-1)?.minute ?? 0) + 1) * minuteMs

const afterFailure = (state: Origins, name: string | null, ip: string, timeMs: number): Origins => {
  const before = state.failing.find((one) => one.ip === ip) ?? { ip, minutes: [], names: [] }
  const otherNames = before.names.filter((one) => one.name !== name && one.lastMs > timeMs - hourMs)
  const names = name === null ? otherNames : [...otherNames, { name, lastMs: timeMs }]
  const failing: Failing = {
    ip,
    minutes: withMinute(before.minutes, timeMs),
    names: newest(names, maxNames, ({ lastMs }) => lastMs),
  }
  const others = state.failing.filter((one) => one.ip !== ip && lastFailureMs(one) > timeMs - hourMs)
  return { ...state, failing: newest([...others, failing], maxFailing, lastFailureMs) }
}

const failuresOf = (state: Origins, { event, timeMs }: Observed) => {
  const failing = state.failing.find(({ ip }) => ip === event.sourceIp)
  if (!failing) return { failures: 0, failedUsers: 0 }
  const now = minuteOf(timeMs)
  const minutes = failing.minutes.filter(({ minute }) => minute > now - 60 && minute <= now)
  return {
    failures: minutes.reduce((sum, { count }) => sum + count, 0),
    failedUsers: failing.names.filter(({ lastMs }) => isWithin(lastMs, timeMs, hourMs)).length,
  }
}

/** Whoever comes in by another of their names is nobody else. */
const userOf = ({ user }: SessionEvent, { directory }: FoldContext): string | null =>
  user ? directory.canonical(user) : null

/** For each login and failure what its network knew before it. All of it bounded; forgotten when nobody came in for 30 days and nothing failed for an hour. */
export const origins: Annotator<Origins> = {
  initial: () => ({ visitors: [], failing: [] }),
  before: (state, observed, context) => {
    const { event, timeMs } = observed
    const own = userOf(event, context)
    const others = state.visitors.filter(({ user, lastMs }) => user !== own && isWithin(lastMs, timeMs, visitorMs))
    const fromAddress = others.filter(({ ip }) => ip === event.sourceIp)
    return {
      otherUsers: fromAddress.length,
      networkUsers: new Set(others.map(({ user }) => user)).size,
      ...failuresOf(state, observed),
    }
  },
  after: (state, { event, timeMs }, context) => {
    if (!event.sourceIp) return state
    const user = userOf(event, context)
    if (event.kind === 'login') return user ? afterLogin(state, user, event.sourceIp, timeMs) : state
    return event.kind === 'login_failed' ? afterFailure(state, user, event.sourceIp, timeMs) : state
  },
  isOver: ({ visitors, failing }, nowMs) =>
    visitors.every(({ lastMs }) => lastMs <= nowMs - visitorMs) &&
    failing.every((one) => lastFailureMs(one) <= nowMs - hourMs),
}
