import { hash } from 'node:crypto'
import type { HeardAgent, Heartbeats } from '#services/agents/heartbeats.ts'
import { type Listening, listeningForMs } from '#services/agents/listening.ts'
import type { Silences } from '#services/agents/silences.ts'
import type { Bus } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Logger } from '#services/log.ts'
import { startSchedule } from '#services/schedule.ts'
import { beatMs, missedBeats } from '#services/schema/ledger-deadlines.ts'

const everyCron = '*/2 * * * * *'
const slackShare = 0.2 // of a beat: it is due then, not there
const longestPauseMs = 10_000 // of an agent before it tries a receiver again that was away

export type SilenceWatchOptions = {
  heartbeats: Pick<Heartbeats, 'list'>
  listening: Pick<Listening, 'lastMs'>
  silences: Pick<Silences, 'open' | 'begin' | 'end'>
  bus: Pick<Bus, 'produce'>
  clock: Clock
  log: Logger
}

/** How long an agent may say nothing. */
export const silentAfterMs = (everyMs: number): number => (missedBeats + slackShare) * everyMs

/** `listeningSinceMs`: since when it would have been heard. */
export const isSilent = (
  { atMs, everyMs = beatMs }: Pick<HeardAgent, 'atMs' | 'everyMs'>,
  listeningSinceMs: number,
  nowMs: number,
): boolean =>
  nowMs - atMs >= silentAfterMs(everyMs) &&
  nowMs - listeningSinceMs >= Math.max(silentAfterMs(everyMs), longestPauseMs + everyMs)

const iso = (ms: number): string => new Date(ms).toISOString()
const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`

const eventOf = (what: 'silent' | 'heard', agent: HeardAgent, sinceMs: number, nowMs: number) => ({
  id: hash('sha256', JSON.stringify(['agent-silence', agent.bastion, sinceMs, what])),
  at: iso(nowMs),
  kind: 'recorder_health',
  source: 'ingest',
  bastion: agent.bastion,
  silentSince: iso(sinceMs),
  ...(what === 'silent'
    ? { status: 'stopped', everyMs: agent.everyMs ?? beatMs }
    : { status: 'ok', silentUntil: iso(agent.atMs) }),
  detail:
    what === 'silent'
      ? `agent_silent: nothing heard of the agent for ${seconds(nowMs - sinceMs)}, a beat is due every ${seconds(agent.everyMs ?? beatMs)}`
      : `agent_silent is over: the agent was not heard for ${seconds(agent.atMs - sinceMs)}`,
})

/**
 * Looks whether agents beat. What it finds is an event of the bastion, with an id that follows from it: several processes
 * that look, and one that was killed in between, say it once.
 */
export const createSilenceWatch = (options: SilenceWatchOptions): { look(): Promise<void> } => {
  const { heartbeats, listening, silences, bus, clock, log } = options
  let listeningSinceMs: number | null = null

  const say = async (event: ReturnType<typeof eventOf>): Promise<void> => {
    log.warn({ bastion: event.bastion }, event.detail)
    await bus.produce([{ topic: 'session-events', key: event.bastion, value: Buffer.from(JSON.stringify(event)) }])
  }
  const begin = async (agent: HeardAgent, nowMs: number): Promise<void> => {
    await say(eventOf('silent', agent, agent.atMs, nowMs))
    await silences.begin(agent.bastion, agent.atMs)
  }
  const end = async (agent: HeardAgent, sinceMs: number, nowMs: number): Promise<void> => {
    await say(eventOf('heard', agent, sinceMs, nowMs))
    await silences.end(agent.bastion, sinceMs, agent.atMs)
  }
  return {
    look: async () => {
      const nowMs = clock.now()
      const saidMs = await listening.lastMs()
      if (saidMs === null || nowMs - saidMs > listeningForMs) listeningSinceMs = null
      else listeningSinceMs ??= nowMs
      const open = await silences.open()
      for (const agent of await heartbeats.list()) {
        const sinceMs = open.get(agent.bastion)
        if (sinceMs !== undefined && agent.atMs > sinceMs) await end(agent, sinceMs, nowMs)
        else if (sinceMs === undefined && listeningSinceMs !== null && isSilent(agent, listeningSinceMs, nowMs))
          await begin(agent, nowMs)
      }
    },
  }
}

export const watchSilence = (options: SilenceWatchOptions): { close(): Promise<void> } => {
  const schedule = startSchedule(everyCron, options.log, createSilenceWatch(options).look)
  return { close: () => schedule.stop() }
}
