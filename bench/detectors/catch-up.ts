import { Registry } from 'prom-client'
import { createReplay } from '#detectors/backtest/replay.ts'
import { noGeo } from '#detectors/geo/geo.ts'
import { createPrograms } from '#detectors/programs.ts'
import { createRunner, groups } from '#detectors/runner/runner.ts'
import { scheduleTicks } from '#detectors/schedule/ticks.ts'
import type { Bus } from '#services/bus/bus.ts'
import { systemClock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import type { StateStore } from '#services/state/state-store.ts'
import { eventRecords } from '#test/helpers/detector-runner.ts'
import { directoryOf } from '#test/helpers/directory-of.ts'
import { until } from '#test/helpers/until.ts'
import { generate } from '../backtest/generate.ts'

/** The first events of a generated quarter of a hundred people, to be judged as fast as they can be. */

const limitMs = 30 * 60_000
const together = 5_000
const settings = DetectorSettings.parse({})

export const eventsOf = (count: number) => {
  const { directory, events } = generate(101, { people: 100, days: 91, incidents: 20, scale: 1 })
  const taken: SessionEvent[] = []
  for (const day of events()) {
    taken.push(...day.map((event) => SessionEvent.parse(event)))
    if (taken.length >= count) break
  }
  return { directory: directoryOf(directory), events: taken.slice(0, count) }
}
type Events = ReturnType<typeof eventsOf>

const measured = async (count: number, act: () => Promise<void>) => {
  const [startedMs, cpu] = [performance.now(), process.cpuUsage()]
  await act()
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - startedMs) / 1000
  const cpuSeconds = (user + system) / 1e6
  return {
    events: count,
    'events/s': Math.round(count / seconds),
    'events per CPU s': Math.round(count / cpuSeconds),
  }
}

export const measureRunner = async ({ directory, events }: Events, { bus, state }: { bus: Bus; state: StateStore }) => {
  for (let from = 0; from < events.length; from += together)
    await bus.produce(eventRecords(events.slice(from, from + together)))
  const ours: readonly string[] = Object.values(groups)
  const isDone = async (): Promise<boolean> => {
    const lag = (await bus.lag()).filter(({ group }) => ours.includes(group))
    const ofEvents = lag.filter(({ topic }) => topic === 'session-events')
    return ofEvents.length > 0 && lag.every(({ committed, end }) => committed >= end)
  }
  const [log, registry] = [createLogger('bench', 'warn'), new Registry()]
  const shared = { bus, state, origins: null, clock: systemClock, log, registry, settings, programs: createPrograms() }
  return measured(events.length, async () => {
    const runner = await createRunner({ ...shared, context: () => ({ directory, geo: noGeo, settings }) })
    const ticks = scheduleTicks({ runner, clock: systemClock, log })
    await until(isDone, { limitMs, everyMs: 100, what: 'all is judged' })
    await ticks.stop()
    await runner.close()
  })
}

/** Without bus, snapshots and JSON. */
export const measureReplay = ({ directory, events }: Events) =>
  measured(events.length, async () => {
    const context = { directory, geo: noGeo, settings }
    const replay = createReplay({ programs: createPrograms(), context, horizonMs: settings.horizonMs })
    for (const event of events) replay.take(event)
    replay.end()
  })
