import { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { AgentStatus } from '../schema/agent-status.ts'
import type { Heartbeat } from '../schema/uplink.ts'
import type { StateStore } from '../state/state-store.ts'

const writeEveryMs = 30_000
const keyOf = (bastion: string): string => `heartbeats/${bastion}`

const Heard = z.object({ atMs: z.int(), version: z.string().max(64), status: AgentStatus.optional() })

/**
 * When agents were last heard of, known to every process: whoever judges their silence need not be whom they speak to.
 * Precise to 30 s, so that heartbeats do not become a load on the state store.
 */
export const createHeartbeats = ({ state, clock, log }: { state: StateStore; clock: Clock; log: Logger }) => {
  const writtenMs = new Map<string, number>()
  return {
    /** Resolves at once; a failure is logged, and made good by the next heartbeat. */
    heard: ({ bastion, version, status }: Pick<Heartbeat, 'bastion' | 'version' | 'status'>): void => {
      const nowMs = clock.now()
      if (Math.abs(nowMs - (writtenMs.get(bastion) ?? Number.NEGATIVE_INFINITY)) < writeEveryMs) return
      writtenMs.set(bastion, nowMs)
      state.put(keyOf(bastion), { atMs: nowMs, version, ...(status && { status }) }).catch((err: unknown) => {
        writtenMs.delete(bastion)
        log.warn({ err, bastion }, 'a heartbeat was not noted')
      })
    },
    /** Unix ms, or null: never. */
    lastMs: async (bastion: string): Promise<number | null> => {
      const entry = await state.get(keyOf(bastion))
      return Heard.safeParse(entry?.value).data?.atMs ?? null
    },
  }
}
export type Heartbeats = ReturnType<typeof createHeartbeats>
