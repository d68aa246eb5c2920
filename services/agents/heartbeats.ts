import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { AgentStatus } from '../schema/agent-status.ts'
import type { Heartbeat } from '../schema/uplink.ts'
import type { StateStore } from '../state/state-store.ts'

const writeEveryMs = 30_000
const prefix = 'heartbeats/'
const keyOf = (bastion: string): string => `${prefix}${bastion}`

const Heard = z.object({ atMs: z.int(), version: z.string().max(64), status: AgentStatus.optional() })
/** What was last heard of an agent; `status` is absent where the agent is of before. */
export type HeardAgent = z.infer<typeof Heard> & { bastion: string }

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
    /** Of every agent that was ever heard, by bastion. */
    list: async (): Promise<HeardAgent[]> => {
      const all: HeardAgent[] = []
      for await (const { key, value } of listAll(state, prefix)) {
        const heard = Heard.safeParse(value).data
        if (heard) all.push({ bastion: key.slice(prefix.length), ...heard })
      }
      return all
    },
  }
}
export type Heartbeats = ReturnType<typeof createHeartbeats>
