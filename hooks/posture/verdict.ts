import type { View } from './view.ts'

export type Status = 'ok' | 'warn' | 'fail'
/** `user`: whom it is about; absent where it is about the bastion. Times in `detail` are RFC 3339 or end in their unit. */
export type Verdict = { status: Status; detail: Record<string, unknown>; user?: string }
/** `about`: when it is not ok, for the manual. `fix`: one line for the operator. */
export type Check = { id: string; about: string; fix: string; judge(view: View): Verdict[] }
/** What a run says of one check. `fix` where there is something to mend. */
export type Fact = Verdict & { check: string; fix?: string }

/** What was looked at, or why it could not be. */
export type Read<T> = { ok: true; value: T } | { ok: false; reason: string }

export const seen = <T>(value: T): Read<T> => ({ ok: true, value })
export const unseen = (reason: string): { ok: false; reason: string } => ({ ok: false, reason: reason.slice(0, 300) })

/** What could not be looked at is not well: it is said, with the reason. */
export const judged = <T>(read: Read<T>, judge: (value: T) => Verdict[]): Verdict[] =>
  read.ok ? judge(read.value) : [{ status: 'warn', detail: { notChecked: read.reason } }]

export const namedAtMost = 20

/** The first of many, with their number: a detail stays small. */
export const named = <T>(items: readonly T[], unit: string): Record<string, unknown> => ({
  [unit]: items.slice(0, namedAtMost),
  [`${unit}Count`]: items.length,
})

const weight = { ok: 0, warn: 1, fail: 2 }
export const isWorse = (one: Status, other: Status): boolean => weight[one] > weight[other]
export const worstOf = (statuses: readonly Status[]): Status =>
  statuses.reduce((worst, status) => (isWorse(status, worst) ? status : worst), 'ok')
