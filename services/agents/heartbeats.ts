import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { AgentStatus } from '../schema/agent-status.ts'
import type { Heartbeat } from '../schema/uplink.ts'
import type { StateStore } from '../state/state-store.ts'

const writeEveryMs = 30_000
const changeEveryMs = 2_000 // a hook that comes and goes
const prefix = 'heartbeats/'
const keyOf = (bastion: string): string => `${prefix}${bastion}`

const Heard = z.object({ atMs: z.int(), version: z.string().max(64), status: AgentStatus.optional() })
/** What was last heard of an agent; `status` is absent where the agent is of before. */
export type HeardAgent = z.infer<typeof Heard> & { bastion: string }

const hooksOf = (status: AgentStatus | undefined): string =>
  JSON.stringify(status?.hooks.map(({ name, listening }) => [name, listening]) ?? null)

/**
 * When agents were last heard of, known to every process: whoever judges their silence need not be whom they speak to.
 * Precise to 30 s, and to 2 s in what their hooks do, so that heartbeats do not become a load on the state store.
 */
export const createHeartbeats = ({ state, clock, log }: { state: StateStore; clock: Clock; log: Logger }) => {
  const written = new Map<string, { atMs: number; hooks: string }>()
  return {
    /** Resolves at once; a failure is logged, and made good by the next heartbeat. */
    heard: ({ bastion, version, status }: Pick<Heartbeat, 'bastion' | 'version' | 'status'>): void => {
      const nowMs = clock.now()
      const hooks = hooksOf(status)
      const last = written.get(bastion)
      const everyMs = last?.hooks === hooks ? writeEveryMs : changeEveryMs
      if (last && Math.abs(nowMs - last.atMs) < everyMs) return
      written.set(bastion, { atMs: nowMs, hooks })
      state.put(keyOf(bastion), { atMs: nowMs, version, ...(status && { status }) }).catch((err: unknown) => {
        written.delete(bastion)
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
