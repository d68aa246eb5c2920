import { join } from 'node:path'
import { Registry } from 'prom-client'
import { createReplay } from '#detectors/backtest/replay.ts'
import type { Directory } from '#detectors/directory/directory.ts'
import { noGeo } from '#detectors/geo/geo.ts'
import type { Programs } from '#detectors/programs.ts'
import type { RunnerOptions } from '#detectors/runner/context.ts'
import { createRunner, groups, type Runner } from '#detectors/runner/runner.ts'
import type { Bus } from '#services/bus/bus.ts'
import { createLogBus } from '#services/bus/log-bus.ts'
import type { Clock } from '#services/clock.ts'
import { createLogger } from '#services/log.ts'
import { Alert } from '#services/schema/alert.ts'
import { DetectorSettings } from '#services/schema/detector-settings.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import { createSqliteStateStore } from '#services/state/sqlite-state-store.ts'
import { quietDirectory } from './quiet-directory.ts'
import { seededRandom } from './seeded-random.ts'
import { type Teardown, temporaryFolder } from './temporary-folder.ts'
import { toyPrograms } from './toy-programs.ts'
import { until } from './until.ts'

const minute = 60_000
const log = createLogger('detectors-test', process.env.DETECTORS_LOG ?? 'silent')

/** Three times as fast, and never back in a later process: what waits for a while to be final is final within a test. */
const startMs = Date.UTC(2026, 0, 1)
export const fastClock: Clock = { now: () => startMs + (Date.now() - startMs) * 3 }

export const openDetectorBackends = async (folder: string, clock: Clock) => {
  const bus = await createLogBus({
    folder: join(folder, 'bus'),
    partitions: 4,
    segmentBytes: 16 * 1024 * 1024,
    retentionMs: 100 * 365 * 86_400_000, // the fast clock is years ahead of the files' own times
    maxRecordBytes: 4 * 1024 * 1024,
    clock,
    log,
  })
  const state = await createSqliteStateStore({ file: join(folder, 'state.db') })
  return {
    bus,
    state,
    origins: null,
    clock,
    close: async () => {
      await bus.close()
      await state.close()
    },
  }
}

/** In a folder of the test's own. */
export const ownBackends = async (t: Teardown, clock: Clock = fastClock) => {
  const backends = await openDetectorBackends(await temporaryFolder(t), clock)
  t.teardown(backends.close)
  return backends
}
export type DetectorBackends = Omit<Awaited<ReturnType<typeof openDetectorBackends>>, 'close'>

export type RunnerChoice = { directory?: Directory; maxEntities?: number } & Partial<
  Pick<RunnerOptions, 'programs' | 'registry'>
>

/** With toy rules and a directory that says nothing, unless others are given. */
export const openRunner = (
  { bus, state, origins, clock }: Pick<RunnerOptions, 'bus' | 'state' | 'origins' | 'clock'>,
  { directory = quietDirectory, maxEntities, programs = toyPrograms, registry = new Registry() }: RunnerChoice = {},
): Promise<Runner> => {
  const settings = { ...DetectorSettings.parse({ snapshotMs: 1_000, horizonMs }), ...(maxEntities && { maxEntities }) }
  const context = { directory, geo: noGeo, settings }
  return createRunner({ bus, state, origins, clock, settings, programs, context: () => context, log, registry })
}

/** What the engine says of events in their order, without a bus. */
export const replayed = (
  events: readonly SessionEvent[],
  programs: Programs = toyPrograms,
  directory: Directory = quietDirectory,
): Alert[] => {
  const settings = DetectorSettings.parse({})
  const replay = createReplay({ programs, context: { directory, geo: noGeo, settings }, horizonMs: settings.horizonMs })
  for (const event of events) replay.take(event)
  // The live ones see that nothing came after the last event.
  const afterMs = Date.parse(events.at(-1)!.at) + 3_600_000
  return [...replay.closed(), ...replay.end(afterMs)].sort((a, b) => (a.id < b.id ? -1 : 1))
}

export const eventRecords = (events: readonly SessionEvent[]) =>
  events.map((event) => ({
    topic: 'session-events' as const,
    key: event.bastion,
    value: Buffer.from(JSON.stringify(event)),
  }))

/** Failures, logins and commands of eight people from five networks on four bastions, by time. */
export const generateEvents = (seed: number, count: number): SessionEvent[] => {
  const random = seededRandom(seed)
  const pick = (n: number) => Math.floor(random() * n)
  let timeMs = Date.UTC(2026, 0, 5, 9)
  return Array.from({ length: count }, (_, n) => {
    timeMs += Math.floor(random() ** 3 * 4 * minute)
    const kind = (['login_failed', 'login_failed', 'login', 'command'] as const)[pick(4)]!
    return SessionEvent.parse({
      id: `event-${seed}-${n}`,
      at: new Date(timeMs).toISOString(),
      source: 'test',
      bastion: `b${pick(4)}`,
      user: `user-${pick(8)}`,
      sourceIp: `192.0.${pick(5)}.${pick(9)}`,
      kind,
      ...(kind === 'command' ? { argv: ['true'], line: 'true', via: 'exec', atMs: 0 } : {}),
    })
  })
}

const arrivesTogetherMs = 10 * minute
/** What arrives one after another may come over several partitions at once: so much later than its time, in all. */
const horizonMs = 10 * minute + arrivesTogetherMs

/** As they arrive, together as they are sent: each up to ten minutes after its time. */
export const arriving = (events: readonly SessionEvent[], seed: number): SessionEvent[][] => {
  const random = seededRandom(seed)
  const late = events.map((event) => ({ event, arrivesMs: Date.parse(event.at) + random() * 10 * minute }))
  late.sort((a, b) => a.arrivesMs - b.arrivesMs)
  const groups = Map.groupBy(late, ({ arrivesMs }) => Math.floor(arrivesMs / arrivesTogetherMs))
  return [...groups.values()].map((group) => group.map(({ event }) => event))
}

export const publishedAlerts = async (bus: Bus): Promise<Alert[]> => {
  const all: Alert[] = []
  for (let partition = 0; partition < bus.partitions('alerts'); partition++)
    for (const { value } of await bus.read({ topic: 'alerts', partition }, 0, 1_000_000))
      all.push(Alert.parse(JSON.parse(Buffer.from(value).toString())))
  return all
}

/** What was said last of each incident, without what was taken back. */
export const lastAlerts = async (bus: Bus): Promise<Alert[]> => {
  const last = new Map((await publishedAlerts(bus)).map((alert) => [alert.id, alert]))
  return [...last.values()].filter(({ withdrawn }) => !withdrawn).sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Everything that was produced is read, judged and stored. */
const untilRead = (bus: Bus, runners: readonly Runner[]): Promise<void> => {
  const ours: readonly string[] = Object.values(groups)
  const isRead = async (): Promise<boolean> => {
    for (const runner of runners) await runner.drain()
    return (await bus.lag()).every(({ group, committed, end }) => !ours.includes(group) || committed >= end)
  }
  return until(isRead, { limitMs: 60_000, what: 'all is read' })
}

const stretchMs = 2 * 86_400_000
/**
 * Waits now and then, as real days would: what arrives within two days of event time is read before more is sent. The
 * first call of a process waits as well.
 */
export const createPace = (bus: Bus, runners: readonly Runner[]) => {
  let readMs = Number.NEGATIVE_INFINITY
  return async (next: readonly SessionEvent[]): Promise<void> => {
    const atMs = Math.max(...next.map(({ at }) => Date.parse(at)))
    if (atMs - readMs < stretchMs) return
    await untilRead(bus, runners)
    readMs = atMs
  }
}

/** What falls due by now has, too. */
export const settleRunners = async (bus: Bus, runners: readonly Runner[]): Promise<void> => {
  // What one round tells the workers they tell on with the next; a timer fires with the one after.
  for (let round = 0; round < 4; round++) {
    await untilRead(bus, runners)
    for (const runner of runners) await runner.tick()
  }
  await untilRead(bus, runners)
}
