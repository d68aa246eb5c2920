import { type Deed, deeds } from './ledger-deeds.ts'
import type { Kind } from './ledger-truth.ts'

/** `nth` tells variants of a deed apart. */
export type Turn = { deed: Deed; nth: number }
export type Step =
  | { does: 'turns'; turns: Turn[] }
  | { does: 'without ingest'; turns: Turn[] }
  | { does: 'kill agent' | 'stop agent'; open: number }

const entries = Object.entries(deeds) as [Kind, { deed: Deed; weight: number; sessions: number }][]
const totalWeight = entries.reduce((sum, [, { weight }]) => sum + weight, 0)

/** `at`: below the total weight. */
const byWeight = (at: number): (typeof entries)[number] => {
  let rest = at
  for (const entry of entries) {
    rest -= entry[1].weight
    if (rest < 0) return entry
  }
  return entries[0]!
}

const shuffled = <T>(items: readonly T[], random: () => number): T[] => {
  const all = [...items]
  for (let last = all.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[all[last], all[other]] = [all[other]!, all[last]!]
  }
  return all
}

/** Every kind once, then by weight until there are so many sessions. */
const draw = (sessions: number, random: () => number): { once: Turn[]; more: Turn[] } => {
  const counts = new Map<Kind, number>()
  let left = sessions
  const take = ([kind, { deed, sessions: each }]: (typeof entries)[number]): Turn => {
    const nth = counts.get(kind) ?? 0
    counts.set(kind, nth + 1)
    left -= each
    return { deed, nth }
  }
  const once = entries.map(take)
  const more: Turn[] = []
  while (left > 0) more.push(take(byWeight(random() * totalWeight)))
  return { once, more }
}

/** About so many sessions: ordinary ones in pieces, and between them what hits all that are open. */
export const planOf = (sessions: number, random: () => number): Step[] => {
  const isSmall = sessions < 100
  const open = isSmall ? 2 : 8
  const kills = Math.max(1, Math.round(sessions / 200))
  const stops = sessions < 500 ? 1 : 2
  const away = isSmall ? 3 : 40
  const { once, more } = draw(Math.max(0, sessions - open * (kills + stops)), random)
  const special: Step[] = [
    { does: 'without ingest', turns: more.splice(0, away) },
    ...Array.from({ length: kills }, () => ({ does: 'kill agent' as const, open })),
    ...Array.from({ length: stops }, () => ({ does: 'stop agent' as const, open })),
  ]
  const turns = shuffled([...once, ...more], random)
  const size = Math.ceil(turns.length / special.length)
  // In the small run in this order: deadlines that begin early are over sooner.
  return (isSmall ? special : shuffled(special, random)).flatMap((step, n) => [
    { does: 'turns' as const, turns: turns.slice(n * size, (n + 1) * size) },
    step,
  ])
}
