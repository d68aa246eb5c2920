import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Fact } from './verdict.ts'
import type { View } from './view.ts'

const ms = z.number().int().nonnegative()
const Saying = z.object({
  check: z.string(),
  user: z.string().optional(),
  status: z.enum(['ok', 'warn', 'fail']),
  digest: z.string(),
  atMs: ms,
})

/** What was said last of each check and person, and since when what goes on has been seen. */
export const WhatWasSaid = z.object({
  version: z.literal(1),
  lastFile: ms,
  said: z.record(z.string(), Saying),
  firstSeenMs: z.record(z.string(), ms),
})
export type WhatWasSaid = z.infer<typeof WhatWasSaid>

export const nothingSaid: WhatWasSaid = { version: 1, lastFile: 0, said: {}, firstSeenMs: {} }

const againAfterMs = 23 * 3_600_000 // a daily timer is some minutes early now and then
const maxFirstSeen = 20_000

const keyOf = ({ check, user }: Pick<Fact, 'check' | 'user'>): string =>
  user === undefined ? check : `${check} ${user}`
const digestOf = ({ status, detail }: Fact): string => hash('sha256', JSON.stringify([status, detail]))
const sayingOf = (fact: Fact, atMs: number) => ({
  check: fact.check,
  ...(fact.user !== undefined && { user: fact.user }),
  status: fact.status,
  digest: digestOf(fact),
  atMs,
})

/** What was wrong with a person and is found no more, by checks that could look. */
const mended = (before: WhatWasSaid, facts: readonly Fact[]): Fact[] => {
  const now = new Set(facts.map(keyOf))
  const looked = new Set(facts.map(({ check }) => check))
  for (const { check, detail } of facts) if ('notChecked' in detail) looked.delete(check)
  return Object.values(before.said)
    .filter((saying) => saying.user !== undefined && looked.has(saying.check) && !now.has(keyOf(saying)))
    .map(({ check, user }) => ({ check, user: user!, status: 'ok', detail: { noLongerFound: true } }))
}

/** What has to be said now: every change, and everything once a day. `after`: what to keep once it is said. */
export const whatToSay = (
  before: WhatWasSaid,
  facts: readonly Fact[],
  nowMs: number,
): { say: Fact[]; after: WhatWasSaid } => {
  const gone = mended(before, facts)
  const isDue = (fact: Fact): boolean => {
    const last = before.said[keyOf(fact)]
    return last?.digest !== digestOf(fact) || nowMs - last.atMs >= againAfterMs || last.atMs > nowMs
  }
  const due = facts.filter(isDue)
  const said = { ...before.said }
  for (const fact of gone) delete said[keyOf(fact)]
  for (const fact of due) said[keyOf(fact)] = sayingOf(fact, nowMs)
  return { say: [...due, ...gone], after: { ...before, said } }
}

const lasting = ({ keys, updates }: View): string[] => [
  ...(keys.ok ? keys.value.accounts : []).flatMap(({ user, keys }) =>
    keys.map(({ fingerprint }) => `key ${user} ${fingerprint}`),
  ),
  ...(updates.ok ? updates.value.pending : []).map(({ name, version }) => `update ${name} ${version}`),
]

/** What goes on keeps the time at which it was seen first; what could not be looked at now is not forgotten. */
export const remember = (before: WhatWasSaid['firstSeenMs'], view: View): WhatWasSaid['firstSeenMs'] => {
  const unseen = (what: string) => (what.startsWith('key ') ? !view.keys.ok : !view.updates.ok)
  const kept = Object.entries(before).filter(([what]) => unseen(what))
  const now = lasting(view).map((what): [string, number] => [what, before[what] ?? view.nowMs])
  return Object.fromEntries([...kept, ...now].slice(0, maxFirstSeen))
}
