import type { Logger } from '#services/log.ts'
import type { EventChain } from './event-chain.ts'
import type { SpoolLevel } from './spool/limits.ts'
import type { Spool } from './spool/spool.ts'
import type { Rejected } from './uplink/verdict.ts'

type Status = 'ok' | 'stopped' | 'tampered'

/** What the agent says about itself, as recorder_health events. */
export type Health = {
  started(): void
  stopped(): Promise<void>
  level(level: SpoolLevel): void
  /** Durable records that cannot be read any more. */
  damage(positions: readonly number[]): void
  rejected(rejected: readonly Rejected[]): void
  stop(): void
}

const everyMs = 4 * 60_000
const levelTexts: Record<SpoolLevel, string> = {
  ok: 'the spool has room again',
  warning: 'the spool is 80 % full',
  refusing: 'the spool is 95 % full: new sessions are refused',
  full: 'the spool is full',
}

export const createHealth = (options: {
  events: EventChain
  spool: Pick<Spool, 'usedBytes'>
  agent: string
  lagMs: () => number
  log: Logger
}): Health => {
  const { events, spool, agent, lagMs, log } = options

  const emit = (status: Status, detail: string | null): Promise<void> => {
    const at = new Date().toISOString()
    const figures = { agent, spoolBytes: spool.usedBytes, lagMs: Math.round(lagMs()) }
    return events
      .emit(
        { kind: 'recorder_health', at, source: 'agent', status, ...figures, detail },
        { useReserve: detail !== null },
      )
      .catch((error: unknown) => log.error({ err: error, status, detail }, 'recorder_health not recorded'))
  }
  const timer = setInterval(() => void emit('ok', null), everyMs)
  timer.unref()

  return {
    started: () => void emit('ok', 'the agent has started'),
    stopped: () => emit('stopped', 'the agent stops; its sessions have ended'),
    level: (level) => void emit(level === 'full' ? 'stopped' : 'ok', levelTexts[level]),
    damage: (positions) =>
      void emit('tampered', `the spool could not be read at ${positions.length} places, first at ${positions[0]}`),
    rejected: (rejected) => {
      // What is told about a refused event of this kind would be refused too, and so on.
      const { record, reason } = rejected[0]!
      if (rejected.every(({ record }) => Buffer.from(record.body).includes('"recorder_health"'))) return
      const first = `${record.type} ${record.sessionId ?? ''} ${record.seq}: ${reason}`
      void emit('tampered', `${rejected.length} records were refused, first ${first}`.slice(0, 2000))
    },
    stop: () => clearInterval(timer),
  }
}
