import { createConnect, createFeeder } from './feed.ts'
import { logFileOf, type Story, writeStory } from './folder.ts'
import type { Instance } from './instance.ts'
import { type Day, planDays } from './plan.ts'

const arrivedLimitMs = 120_000
const pollMs = 40
const portsPerDay = 1_000

const loginsOf = (days: readonly Day[]): number => days.reduce((sum, { visits }) => sum + visits.length, 0)
const recordingsOf = (days: readonly Day[]): number =>
  days.reduce((sum, { visits }) => sum + visits.filter(({ what }) => what !== 'tunnel').length, 0)

/** The next day may only be told when all of this one has arrived: what is days late is taken for late. */
const untilArrived = async ({ logins, recordings }: Instance, days: readonly Day[]): Promise<void> => {
  const end = Date.now() + arrivedLimitMs
  while (Date.now() < end) {
    if ((await logins()) >= loginsOf(days) && (await recordings()) >= recordingsOf(days)) return
    await new Promise((done) => setTimeout(done, pollMs))
  }
  throw new Error(
    `of ${loginsOf(days)} logins ${await logins()} arrived, of ${recordingsOf(days)} recordings ${await recordings()}`,
  )
}

export type Outcome = 'told' | 'stopped' | 'nothing new'

/** Tells the days that were not told yet, each to its end, until `signal`. */
export const tell = async (options: {
  instance: Instance
  data: string
  story: Story
  signal: AbortSignal
  onDay(text: string): void
}): Promise<Outcome> => {
  const { instance, data, story, signal, onDay } = options
  const days = planDays(story.plannedMs, story.historyDays)
  if (story.daysTold >= days.length) return 'nothing new'
  for (let n = story.daysTold; n < days.length; n++) {
    if (signal.aborted) return 'stopped'
    const date = new Date(days[n]!.startMs).toISOString().slice(0, 10)
    onDay(`Day ${n + 1} of ${days.length}: ${date}`)
    await writeStory(data, { ...story, daysTold: n, within: true })
    const connect = createConnect(n * portsPerDay)
    await createFeeder({ sudoPort: instance.sudoPort, logFile: logFileOf(data), connect }).day(days[n]!)
    await untilArrived(instance, days.slice(0, n + 1))
    await writeStory(data, { ...story, daysTold: n + 1, within: false })
  }
  return 'told'
}
