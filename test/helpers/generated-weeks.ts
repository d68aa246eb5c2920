import { SessionEvent } from '#services/schema/session-event.ts'
import { generate } from '../../bench/backtest/generate.ts'

/** A small company: a month in which its people are learned, then the days on which two incidents of each rule are planted. */
export type Weeks = { directory: Record<string, unknown>; history: SessionEvent[]; days: SessionEvent[] }

const dayMs = 86_400_000
const plantedFromDay = 32
const beatsDays = 2
const beatsMs = 10 * 60_000

/** Enough of them to judge by: what everybody does all day is the most of it, and says the least. */
const isKept = (fromMs: number, untilMs: number) => {
  const commands = new Map<string, number>()
  const beats = new Map<string, number>()
  return (event: SessionEvent): boolean => {
    const atMs = Date.parse(event.at)
    if (event.user?.startsWith('svc-')) return false
    if (event.kind === 'recorder_health' && event.status === 'ok') {
      if (atMs < untilMs - beatsDays * dayMs || atMs - (beats.get(event.bastion) ?? 0) < beatsMs) return false
      beats.set(event.bastion, atMs)
      return true
    }
    if (event.kind !== 'command' || event.argv[0] === 'sudo') return true
    const count = (commands.get(event.sessionId!) ?? 0) + 1
    commands.set(event.sessionId!, count)
    return atMs >= fromMs && count % 8 === 1
  }
}

/** In some companies a planted incident is nothing unusual; these are none of them. */
const firstCompany = 5
const companies = 16

export const generateWeeks = (seed: number): Weeks => {
  const company = firstCompany + (seed % companies)
  const { world, directory, events } = generate(company, { people: 10, days: 40, incidents: 2, scale: 0.01 })
  const fromMs = world.startMs + plantedFromDay * dayMs
  const kept = [...events()]
    .flat()
    .map((event) => SessionEvent.parse(event))
    .filter(isKept(fromMs, world.startMs + world.days * dayMs))
  return {
    directory,
    history: kept.filter(({ at }) => Date.parse(at) < fromMs),
    days: kept.filter(({ at }) => Date.parse(at) >= fromMs),
  }
}
