import type { Severity } from '#services/schema/alert.ts'
import { type ActKind, acts } from '../../argv/acts.ts'
import { nameOf } from '../../argv/unwrap.ts'
import { withSample } from '../../baselines/robust.ts'

/** What a user does with privileges. Plain JSON, bounded. */
export type Habit = { kind: ActKind; days: number; firstDay: number; lastDay: number; wasLearning: boolean }
/** What was unusual in one session. */
export type Deed = { kind: ActKind; line: string; severity: Severity }
export type Case = {
  window: string
  sessionId: string | null
  deeds: readonly Deed[]
  count: number
  firstMs: number
  lastMs: number
  atMs: number | null
}
export type Refusals = { timesMs: readonly number[]; firstMs: number; count: number; isTold: boolean }
export type Privileges = {
  habits: readonly Habit[]
  cases: readonly Case[]
  reading?: readonly string[] // sessions in which a program was started last that takes what is typed: an editor, a client
  refusals: Refusals
}

const habitKeepDays = 120
const maxCases = 8
const maxDeeds = 6
const maxReading = 24
const maxLine = 160

export const emptyPrivileges: Privileges = {
  habits: [],
  cases: [],
  refusals: { timesMs: [], firstMs: 0, count: 0, isTold: false },
}

export const habitOf = ({ habits }: Privileges, kind: ActKind, day: number): Habit | null =>
  habits.find((one) => one.kind === kind && one.lastDay > day - habitKeepDays) ?? null

export const practised = (state: Privileges, kind: ActKind, day: number, isLearning: boolean): Privileges => {
  const before = habitOf(state, kind, day)
  if (before && before.lastDay >= day) return state
  const habit = before
    ? { ...before, days: before.days + 1, lastDay: day }
    : { kind, days: 1, firstDay: day, lastDay: day, wasLearning: isLearning }
  return { ...state, habits: [...state.habits.filter((one) => one.kind !== kind), habit] }
}

// What is typed into them is text, or in a language of their own.
const readers: ReadonlySet<string> = new Set(
  'vi vim nvim view vimdiff nano pico emacs joe mcedit ed ex less more most man info psql mysql mariadb sqlite3 mongosh redis-cli python python3 irb node perl bc ftp sftp mail mutt tee'.split(
    ' ',
  ),
)
const firstWords = 8 // sudo, its options and their values come before
const takesTyping = (argv: readonly string[]): boolean =>
  argv.slice(0, firstWords).some((word) => readers.has(nameOf(word))) ||
  (argv.length === 1 && nameOf(argv[0]) === 'cat')

/** Whether lines typed into the session now go to a program. */
export const isReading = ({ reading = [] }: Privileges, sessionId: string | null | undefined): boolean =>
  !!sessionId && reading.includes(sessionId)

export const executedIn = (
  state: Privileges,
  sessionId: string | null | undefined,
  argv: readonly string[],
): Privileges => {
  const isReader = takesTyping(argv)
  if (!sessionId || isReader === isReading(state, sessionId)) return state
  const others = (state.reading ?? []).filter((one) => one !== sessionId)
  return { ...state, reading: isReader ? withSample(others, sessionId, maxReading) : others }
}

const order: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical']
export const gravest = (severities: readonly Severity[]): Severity =>
  order[Math.max(0, ...severities.map((severity) => order.indexOf(severity)))]!

const withDeed = (deeds: readonly Deed[], deed: Deed): readonly Deed[] => {
  if (deeds.some((one) => one.kind === deed.kind && order.indexOf(one.severity) >= order.indexOf(deed.severity)))
    return deeds
  const others = deeds.filter((one) => one.kind !== deed.kind)
  if (others.length < maxDeeds) return [...others, deed]
  const weakest = others.find(({ severity }) => order.indexOf(severity) < order.indexOf(deed.severity))
  return weakest ? [...others.filter((one) => one !== weakest), deed] : others
}

export const deedOf = (kind: ActKind, line: string, severity: Severity = acts[kind].severity): Deed => ({
  kind,
  line: line.length <= maxLine ? line : `${line.slice(0, maxLine)}…`,
  severity,
})

/** Of one command; `deeds` may be several. */
export const withDeeds = (
  state: Privileges,
  at: { window: string; sessionId: string | null; timeMs: number; atMs: number | null },
  deeds: readonly Deed[],
): { state: Privileges; one: Case } => {
  const { window, sessionId, timeMs, atMs } = at
  const before = state.cases.find((each) => each.window === window)
  const empty: Case = { window, sessionId, deeds: [], count: 0, firstMs: timeMs, lastMs: timeMs, atMs }
  const { deeds: known, count, firstMs, lastMs, atMs: firstAtMs } = before ?? empty
  const one: Case = {
    window,
    sessionId,
    deeds: deeds.reduce(withDeed, known),
    count: count + 1,
    firstMs: Math.min(firstMs, timeMs),
    lastMs: Math.max(lastMs, timeMs),
    atMs: firstAtMs ?? atMs,
  }
  return { state: { ...state, cases: [...state.cases.filter((each) => each !== before), one].slice(-maxCases) }, one }
}
