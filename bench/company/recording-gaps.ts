import type { Context } from './context.ts'
import type { Window } from './model.ts'
import { bastionFor, originOf } from './origin.ts'
import { anyDay, findSlot, label, plantVisit, quietVisit, type Variants, workMoment } from './planting.ts'
import type { Random } from './random.ts'
import type { Visit } from './session.ts'
import { dayMs, minuteMs } from './zone.ts'

type Gap = (random: Random, visit: Visit) => Partial<Visit>

const unseen =
  (gap: Gap) =>
  (context: Context, random: Random, variant: string): boolean => {
    const slot = findSlot(context, random, {})
    if (!slot) return false
    const at = workMoment(random, slot)
    const quiet = quietVisit(context, random, slot, at, 'usual')
    if (
      !quiet ||
      !bastionFor(context, random, [quiet.bastion], originOf(context, random, slot.person, slot.day).inside, at)
    )
      return false
    const visit: Visit = { ...quiet, forwards: [], durationMs: random.int(4, 60) * minuteMs }
    return plantVisit(context, random, 'recording-gap', variant, { ...visit, ...gap(random, visit) })
  }

const tunnel: Gap = (random) => ({
  tty: false,
  commands: [],
  start: null,
  end: random.chance(0.5) ? 'unrecorded' : null,
  durationMs: random.int(10, 240) * minuteMs,
  forwards: [
    {
      direction: random.pick(['local', 'dynamic', 'remote']),
      destHost: random.pick(['db01.internal', 'fin01.internal', '10.20.30.40', 'localhost']),
      destPort: random.pick([5432, 3306, 3389, 1080, 22]),
    },
  ],
})

const clear = (windows: Window[], bastion: string, from: number, to: number) =>
  !windows.some(
    (window) => window.bastion === bastion && from < window.to + 180 * minuteMs && to > window.from - 180 * minuteMs,
  )

/** The recorder of one bastion falls silent and nobody planned it. */
const silent =
  (status: string | null, minutes: [number, number], details: string[]) =>
  (context: Context, random: Random, variant: string): boolean => {
    const { world } = context
    for (let i = 0; i < 200; i++) {
      const { name: bastion } = random.pick(world.bastions)
      const from = anyDay(context, random) * dayMs + random.next() * dayMs
      const to = from + random.between(...minutes) * minuteMs
      if (!clear(world.windows, bastion, from, to)) continue
      world.windows.push({
        bastion,
        from,
        to,
        planned: false,
        status,
        detail: details.length > 0 ? random.pick(details) : null,
      })
      label(context, { rule: 'recording-gap', variant, bastion, fromMs: from, toMs: to })
      return true
    }
    return false
  }

/** First: later parts keep their sessions out of these windows. */
export const silenceVariants: Variants = {
  killed: { count: 2, plant: silent('killed', [15, 90], ['signal 9', 'process vanished']) },
  tampered: { count: 1, plant: silent('tampered', [8, 40], ['configuration changed on disk', 'spool chain broken']) },
  stopped: { count: 2, plant: silent('stopped', [40, 150], ['service stopped', 'SIGTERM']) },
  silence: { count: 2, plant: silent(null, [47, 180], []) },
}
export const gapVariants: Variants = {
  'no-session': { count: 4, plant: unseen(() => ({ commands: [], start: null, end: null })) },
  'started-unrecorded': {
    count: 3,
    plant: unseen((random) => ({ commands: [], start: 'unrecorded', end: random.chance(0.6) ? 'unrecorded' : null })),
  },
  'ended-unrecorded': { count: 3, plant: unseen(() => ({ end: 'unrecorded' })) },
  tunnel: { count: 3, plant: unseen(tunnel) },
}
