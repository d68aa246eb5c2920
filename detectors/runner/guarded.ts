import type { Annotator, Program } from '../engine/folded.ts'
import type { Programs } from '../programs.ts'
import type { AnyRule, Finding, Observed, Step } from '../rule.ts'

/** `observed`: the event it failed at; null: its timer or its end. */
export type Failure = { where: string; observed: Observed | null; error: unknown }
export type OnFailure = (failure: Failure) => void

const unknownOrigin = { otherUsers: 0, networkUsers: 0, failures: 0, failedUsers: 0 }

const checked = (step: Step<unknown>): Step<unknown> => {
  const isTimed = ({ firstEventMs, lastEventMs }: Finding) =>
    Number.isFinite(firstEventMs) && Number.isFinite(lastEventMs)
  if (!step.findings.every(isTimed)) throw new RangeError('a finding without a time')
  return step
}

/** A rule that fails at an event goes on as if it had not seen it; whose timer fails begins anew. */
const guardedRule = (rule: AnyRule, onFailure: OnFailure): AnyRule => {
  const attempt = <T>(observed: Observed | null, act: () => T, otherwise: () => T): T => {
    try {
      return act()
    } catch (error) {
      onFailure({ where: rule.id, observed, error })
      return otherwise()
    }
  }
  const { due, dueAtMs, isOver } = rule
  return {
    ...rule,
    apply: (state, observed, context) =>
      attempt(
        observed,
        () => checked(rule.apply(state, observed, context)),
        () => ({ state, findings: [] }),
      ),
    ...(dueAtMs && {
      dueAtMs: (state) =>
        attempt(
          null,
          () => dueAtMs(state),
          () => null,
        ),
    }),
    ...(due && {
      due: (state, dueMs, context) =>
        attempt(
          null,
          () => checked(due(state, dueMs, context)),
          () => ({ state: rule.initial(), findings: [] }),
        ),
    }),
    ...(isOver && {
      isOver: (state, nowMs) =>
        attempt(
          null,
          () => isOver(state, nowMs),
          () => false,
        ),
    }),
  }
}

const guardedAnnotator = (annotator: Annotator, onFailure: OnFailure): Annotator => {
  const attempt = <T>(observed: Observed, act: () => T, otherwise: T): T => {
    try {
      return act()
    } catch (error) {
      onFailure({ where: 'origins', observed, error })
      return otherwise
    }
  }
  return {
    ...annotator,
    before: (...given) => attempt(given[1], () => annotator.before(...given), unknownOrigin),
    after: (...given) => attempt(given[1], () => annotator.after(...given), given[0]),
  }
}

/** One rule that fails must hold up neither the others nor everybody else's events. */
export const guarded = (programs: Programs, onFailure: OnFailure): Programs => {
  const program = ({ rules, annotator }: Program): Program => ({
    rules: rules.map((rule) => guardedRule(rule, onFailure)),
    annotator: annotator && guardedAnnotator(annotator, onFailure),
  })
  return { user: program(programs.user), network: program(programs.network), bastion: program(programs.bastion) }
}
