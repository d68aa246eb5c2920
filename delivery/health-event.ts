import { hash } from 'node:crypto'
import type { NewRecord } from '#services/bus/bus.ts'
import type { SinkStatus } from './status.ts'

export const behindMs = 15 * 60_000

/** Told once an hour, whichever process says it. Null: it keeps up. */
export const behindEvent = (
  sink: string,
  { state, lagSeconds, lastError }: SinkStatus,
  bastion: string,
  nowMs: number,
): NewRecord | null => {
  if (lagSeconds * 1_000 < behindMs && state !== 'disabled') return null
  const hour = Math.floor(nowMs / 3_600_000)
  const event = {
    id: hash('sha256', JSON.stringify(['sink-behind', sink, state, hour])),
    at: new Date(nowMs).toISOString(),
    kind: 'recorder_health',
    source: 'delivery',
    bastion,
    status: 'ok', // recording goes on; `lagMs` is the finding
    agent: `sink-${sink}`,
    lagMs: lagSeconds * 1_000,
    detail: `sink_behind: ${sink} is ${state}, ${Math.round(lagSeconds / 60)} min behind: ${lastError ?? 'slow'}`,
  }
  return { topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) }
}
