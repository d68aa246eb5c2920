import { hash } from 'node:crypto'
import type { SessionEvent } from '#services/schema/session-event.ts'
import type { RecorderContext } from '../context.ts'

export type Finding = {
  status: 'stopped' | 'tampered'
  /** `fork`: other batches stand in this place. `chain`: names another predecessor. `lost`: never came. `origin`: not its agent's. */
  what: 'fork' | 'chain' | 'lost' | 'corrupt' | 'bastion' | 'origin'
  seq: number
  detail: string // of ids, numbers and hashes only
}

/** Tells everybody, through the bus, that evidence is not as it should be. The same finding twice has the same id. */
export const report = async (
  { bus, clock, log }: Pick<RecorderContext, 'bus' | 'clock' | 'log'>,
  { sessionId, bastion }: { sessionId: string | null; bastion: string },
  { status, what, seq, detail }: Finding,
): Promise<void> => {
  log.warn({ sessionId, status, what, seq }, detail)
  const event = {
    id: hash('sha256', `recorder\n${sessionId}\n${what}\n${seq}\n${detail}`),
    at: new Date(clock.now()).toISOString(),
    kind: 'recorder_health',
    source: 'recorder',
    bastion,
    sessionId,
    status,
    seq,
    detail: `${what}: ${detail}`,
  } as SessionEvent
  await bus.produce([{ topic: 'session-events', key: bastion, value: Buffer.from(JSON.stringify(event)) }])
}
