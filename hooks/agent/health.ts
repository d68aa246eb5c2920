import type { Logger } from '#services/log.ts'
import type { AgentStatus } from '#services/schema/agent-status.ts'
import type { Rejected } from '#services/uplink/verdict.ts'
import type { EventChain } from './event-chain.ts'
import type { SpoolLevel } from './spool/limits.ts'
import type { Spool } from './spool/spool.ts'
import { troublesOf } from './status.ts'

type Status = 'ok' | 'stopped' | 'tampered'

/** What the agent says about itself, as recorder_health events. */
export type Health = {
  started(): void
  stopped(): Promise<void>
  level(level: SpoolLevel): void
  /** Durable records that cannot be read any more. */
  damage(positions: readonly number[]): void
  rejected(rejected: readonly Rejected[]): void
  /** Tells at once what has become better or worse since it was told last. */
  look(): void
  stop(): void
}

const everyMs = 4 * 60_000
const lookEveryMs = 5_000
const maxTold = 2_000
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
  status: () => AgentStatus
  log: Logger
}): Health => {
  const { events, spool, agent, lagMs, log } = options
  let toldKeys = ''

  const emit = (status: Status, detail: string | null, useReserve = detail !== null): Promise<void> => {
    const at = new Date().toISOString()
    const figures = { agent, spoolBytes: spool.usedBytes, lagMs: Math.round(lagMs()), ...options.status() }
    return events
      .emit({ kind: 'recorder_health', at, source: 'agent', status, ...figures, detail }, { useReserve })
      .catch((error: unknown) => log.error({ err: error, status, detail }, 'recorder_health not recorded'))
  }
  const look = (): void => {
    const troubles = troublesOf(options.status(), Date.now())
    const keys = troubles.map(({ key }) => key).join('\n')
    if (keys === toldKeys) return
    toldKeys = keys
    const detail = troubles.map(({ text }) => text).join('; ') || 'what was wrong with clock, spool or hooks is over'
    log[troubles.length > 0 ? 'warn' : 'info']({ detail }, 'health of the agent')
    void emit('ok', detail.slice(0, maxTold), false)
  }
  const timers = [setInterval(() => void emit('ok', null), everyMs), setInterval(look, lookEveryMs)]
  for (const timer of timers) timer.unref()

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
      void emit('tampered', `${rejected.length} records were refused, first ${first}`.slice(0, maxTold))
    },
    look,
    stop: () => timers.forEach(clearInterval),
  }
}
