import type { Severity } from '#services/schema/alert.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { type Act, type ActKind, acts } from '../argv/acts.ts'
import { actsOfArgv, actsOfLine } from '../argv/read-command.ts'
import { nameOf, unwrap } from '../argv/unwrap.ts'
import { isLearning } from '../baselines/learning.ts'
import { type Observed, quiet, type Rule, type RuleContext, type Step } from '../rule.ts'
import { dayOf } from '../utc-day.ts'
import { excuseOf } from './privilege/excuse.ts'
import { privilegeFinding } from './privilege/privilege-finding.ts'
import { refused } from './privilege/refused.ts'
import {
  type Deed,
  deedOf,
  emptyPrivileges,
  executedIn,
  habitOf,
  isReading,
  type Privileges,
  practised,
  withDeeds,
} from './privilege/state.ts'

/** Privileges taken or widened in a way that the user never did, or that nobody should. */

type Command = Extract<SessionEvent, { kind: 'command' }>
type Change = Extract<SessionEvent, { kind: 'privilege_change' }>

const weaker: Record<Severity, Severity> = {
  critical: 'high',
  high: 'medium',
  medium: 'low',
  low: 'info',
  info: 'info',
}

const windowOf = ({ sessionId }: SessionEvent, day: number): string => sessionId ?? `${day}`

const whoOf = ({ runAs }: Command, { subject }: RuleContext) => ({ user: subject.key, isRoot: runAs === 'root' })

const isLine = (argv: readonly string[]): boolean =>
  (argv.length === 1 && argv[0]!.includes(' ')) || argv.some((word) => operators.has(word))
const operators: ReadonlySet<string> = new Set(['|', '||', '&&', ';', '|&'])

const actsOf = (state: Privileges, event: Command, context: RuleContext): Act[] => {
  if (event.via === 'exec') {
    const found = actsOfArgv(event.argv, whoOf(event, context))
    // Some recorders call a whole line of shell, cut at its blanks, the words of a command.
    return isLine(event.argv)
      ? [...found, ...actsOfLine(event.line || event.argv.join(' '), whoOf(event, context))]
      : found
  }
  const found = actsOfLine(event.line, whoOf(event, context))
  return isReading(state, event.sessionId) ? found.filter(({ isExternal }) => !isExternal) : found
}

const isHabit = (state: Privileges, kind: ActKind, day: number, { settings }: RuleContext): boolean => {
  const habit = habitOf(state, kind, day)
  if (!habit) return false
  const { habitDays, routineDays } = settings.privilegeEscalation
  const before = habit.days - (habit.lastDay === day ? 1 : 0) // earlier days
  if (acts[kind].always) return before >= routineDays
  return before >= habitDays || (habit.wasLearning && before >= 1)
}

/** The same again in another session of the day is nothing new, and what alerts of anybody not the third time. */
const isTold = ({ cases }: Privileges, kind: ActKind, window: string, day: number): boolean => {
  const told = cases.filter(
    (one) => one.window !== window && dayOf(one.lastMs) === day && one.deeds.some((deed) => deed.kind === kind),
  )
  return told.length >= (acts[kind].always ? 2 : 1)
}

/** Of what a command does: what alerts, by the user's habits before this day. */
const unusual = (
  state: Privileges,
  kinds: readonly ActKind[],
  line: string,
  isTyped: boolean,
  { timeMs, event }: Observed,
  context: RuleContext,
): Deed[] => {
  const learning = isLearning(context, timeMs)
  const day = dayOf(timeMs)
  return kinds
    .filter((kind) => (acts[kind].always || !learning) && !isHabit(state, kind, day, context))
    .filter((kind) => !isTold(state, kind, windowOf(event, day), day))
    .map((kind) => deedOf(kind, line, isTyped ? weaker[acts[kind].severity] : acts[kind].severity))
    .filter(({ severity }) => severity !== 'info')
}

const judge = (
  state: Privileges,
  kinds: readonly ActKind[],
  line: string,
  observed: Observed,
  context: RuleContext,
): Step<Privileges> => {
  const { event, timeMs } = observed
  const day = dayOf(timeMs)
  const learning = isLearning(context, timeMs)
  let after = state
  for (const kind of kinds) after = practised(after, kind, day, learning)
  const isTyped = event.kind === 'command' && event.via === 'typed'
  const deeds = context.isHistory ? [] : unusual(state, kinds, line, isTyped, observed, context)
  if (deeds.length === 0) return quiet(after)
  const sessionId = event.sessionId ?? null
  const atMs = event.kind === 'command' ? Math.round(event.atMs) : null
  const { state: next, one } = withDeeds(after, { window: windowOf(event, day), sessionId, timeMs, atMs }, deeds)
  const excuse = excuseOf(observed, kinds, context)
  return { state: next, findings: [privilegeFinding(one, observed, excuse, context)] }
}

const isRefused = ({ outcome, argv }: Command): boolean =>
  outcome === 'failure' && ['sudo', 'su', 'doas', 'pkexec'].includes(nameOf(unwrap(argv).argv[0]))

const commanded = (state: Privileges, event: Command, observed: Observed, context: RuleContext): Step<Privileges> => {
  const found = actsOf(state, event, context)
  const seen = event.via === 'exec' ? executedIn(state, event.sessionId, event.argv) : state
  const kinds = found.map(({ kind }) => kind)
  const { state: after, findings } =
    kinds.length === 0 ? quiet(seen) : judge(seen, kinds, event.line, observed, context)
  if (!isRefused(event) || context.isHistory) return after === state ? quiet(state) : { state: after, findings }
  const more = refused(after, observed, excuseOf(observed, kinds, context), context)
  return { state: more.state, findings: [...findings, ...more.findings] }
}

const changed = (state: Privileges, event: Change, observed: Observed, context: RuleContext): Step<Privileges> => {
  const from = event.fromUser ?? event.user ?? ''
  if (event.toUser === from || !event.toUser) return quiet(state)
  if (event.outcome === 'failure')
    return context.isHistory ? quiet(state) : refused(state, observed, excuseOf(observed, [], context), context)
  const kind = event.toUser === 'root' ? 'become-root' : 'become-other'
  return judge(state, [kind], `${event.method} ${from} → ${event.toUser}`, observed, context)
}

export const privilegeEscalation: Rule<Privileges> = {
  id: 'privilege-escalation',
  entity: 'user',
  kinds: ['command', 'privilege_change'],
  initial: () => emptyPrivileges,
  apply: (state, observed, context) => {
    const { event } = observed
    if (event.kind === 'command') return commanded(state, event, observed, context)
    return event.kind === 'privilege_change' ? changed(state, event, observed, context) : quiet(state)
  },
}
