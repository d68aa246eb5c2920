import { type Incident, plantIncidents } from './incidents.ts'
import { noise, ordinaryDay } from './ordinary.ts'
import type { GeneratedEvent, Timed } from './session.ts'
import { createWorld, dayMs, directoryOf, type World } from './world.ts'

export type Generated = {
  world: World
  directory: ReturnType<typeof directoryOf>
  incidents: Incident[]
  /** In order of time, a day at a time: a quarter does not fit into memory. */
  events(): Generator<GeneratedEvent[]>
  sessions(): number
}

/** `scale`: how much of the internet knocks. */
export const generate = (
  seed: number,
  options: { people: number; days: number; incidents: number; scale: number },
): Generated => {
  const world = createWorld(seed, options)
  const incidents = plantIncidents(world, options.incidents)
  let sessions = 0

  function* events(): Generator<GeneratedEvent[]> {
    let waiting: Timed[] = []
    let n = 0
    for (let day = 0; day <= world.days; day++) {
      if (day < world.days) {
        const ordinary = ordinaryDay(world, day)
        sessions += ordinary.sessions
        waiting = waiting.concat(ordinary.timed, noise(world, day, options.scale))
        for (const incident of incidents) if (incident.day === day) waiting = waiting.concat(incident.timed)
      }
      // A night's session begins on the day before by UTC.
      const untilMs = day < world.days ? world.startMs + (day - 1) * dayMs : Number.POSITIVE_INFINITY
      const ready = waiting.filter(({ atMs }) => atMs < untilMs).sort((a, b) => a.atMs - b.atMs)
      waiting = waiting.filter(({ atMs }) => atMs >= untilMs)
      yield ready.map(({ atMs, event }) => {
        const at = new Date(atMs).toISOString()
        return { id: `g${seed}-${(++n).toString(36).padStart(8, '0')}`, at, receivedAt: at, ...event }
      })
    }
  }
  return { world, directory: directoryOf(world), incidents, events, sessions: () => sessions }
}
