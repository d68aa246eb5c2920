import type { Annotator } from '#detectors/engine/folded.ts'
import type { Programs } from '#detectors/programs.ts'
import { type AnyRule, type Observed, quiet, type Rule } from '#detectors/rule.ts'

/** Rules whose findings depend on order, on what networks knew, and on time: what a runner can get wrong shows in them. */
const minute = 60_000

type Burst = { timesMs: number[]; known: number[] }
const burst: Rule<Burst> = {
  id: 'auth-failures',
  entity: 'user',
  kinds: ['login_failed', 'command'],
  initial: () => ({ timesMs: [], known: [] }),
  apply: (state, { timeMs, event, origin }, { isHistory }) => {
    if (isHistory) return quiet(state)
    if (event.kind === 'command') return state.timesMs.length === 0 ? quiet(state) : quiet({ timesMs: [], known: [] })
    const timesMs = [...state.timesMs.filter((ms) => ms > timeMs - 30 * minute), timeMs]
    const next = { timesMs, known: [...state.known, origin?.failures ?? -1].slice(-timesMs.length) }
    if (timesMs.length < 3) return quiet(next)
    const [firstEventMs] = timesMs as [number]
    const finding = {
      window: `${firstEventMs}`,
      severity: timesMs.length > 4 ? ('high' as const) : ('medium' as const),
      title: 'burst',
      explanation: `after ${next.known.join(' ')} failures known of`,
      count: timesMs.length,
      firstEventMs,
      lastEventMs: timeMs,
    }
    return { state: next, findings: [finding] }
  },
}

/** A login that no command follows within five minutes. */
type Idle = { sinceMs: number | null; others: number }
const idle: Rule<Idle> = {
  id: 'recording-gap',
  entity: 'user',
  kinds: ['login', 'command'],
  initial: () => ({ sinceMs: null, others: 0 }),
  apply: (_, { timeMs, event, origin }) =>
    quiet(
      event.kind === 'login' ? { sinceMs: timeMs, others: origin?.otherUsers ?? -1 } : { sinceMs: null, others: 0 },
    ),
  dueAtMs: ({ sinceMs }) => (sinceMs === null ? null : sinceMs + 5 * minute),
  due: ({ others }, dueMs) => ({
    state: { sinceMs: null, others: 0 },
    findings: [
      {
        window: `${dueMs}`,
        severity: 'low',
        title: 'idle',
        explanation: `${others} others`,
        count: 1,
        firstEventMs: dueMs,
        lastEventMs: dueMs,
      },
    ],
  }),
}

/** Grows with each failure of ten minutes. */
const tries: Rule<{ slot: number; count: number }> = {
  id: 'auth-failures',
  entity: 'network',
  kinds: ['login_failed'],
  initial: () => ({ slot: -1, count: 0 }),
  apply: (state, { timeMs }) => {
    const slot = Math.floor(timeMs / (10 * minute))
    const count = slot === state.slot ? state.count + 1 : 1
    if (count < 2) return quiet({ slot, count })
    const said = { severity: 'medium' as const, title: 'tries', explanation: `${count} tries` }
    const times = { firstEventMs: slot * 10 * minute, lastEventMs: timeMs }
    return { state: { slot, count }, findings: [{ ...said, ...times, window: `${slot}`, count }] }
  },
  isOver: ({ slot }, nowMs) => (slot + 1) * 10 * minute < nowMs,
}

type Known = { failuresMs: number[]; visits: { user: string; atMs: number }[] }
const hour = 60 * minute
const knowing: Annotator<Known> = {
  initial: () => ({ failuresMs: [], visits: [] }),
  before: ({ failuresMs, visits }, { timeMs, event }: Observed) => {
    const users = visits.filter(({ atMs }) => atMs > timeMs - hour).map(({ user }) => user)
    return {
      otherUsers: users.filter((user) => user !== event.user).length,
      networkUsers: users.length,
      failures: failuresMs.filter((ms) => ms > timeMs - hour).length,
      failedUsers: 0,
    }
  },
  after: ({ failuresMs, visits }, { timeMs, event }) => {
    if (event.kind !== 'login') return { failuresMs: [...failuresMs, timeMs].slice(-50), visits }
    const others = visits.filter(({ user }) => user !== event.user)
    return { failuresMs, visits: [...others, { user: `${event.user}`, atMs: timeMs }].slice(-4) }
  },
  isOver: ({ failuresMs, visits }, nowMs) =>
    [...failuresMs, ...visits.map(({ atMs }) => atMs)].every((ms) => ms < nowMs - hour),
}

export const toyPrograms: Programs = {
  user: { rules: [burst as AnyRule, idle as AnyRule], annotator: null },
  network: { rules: [tries as AnyRule], annotator: knowing as Annotator },
  bastion: { rules: [], annotator: null },
}
