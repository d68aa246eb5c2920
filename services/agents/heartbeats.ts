import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { AgentStatus } from '../schema/agent-status.ts'
import { beatMs } from '../schema/ledger-deadlines.ts'
import type { Heartbeat } from '../schema/uplink.ts'
import type { StateStore } from '../state/state-store.ts'

const soonestMs = 400 // whatever an agent says of itself
const beatShare = 0.8 // beats are not sent to the millisecond
const changeEveryMs = 2_000 // a hook that comes and goes
const prefix = 'heartbeats/'
const keyOf = (bastion: string): string => `${prefix}${bastion}`

const Heard = z.object({
  atMs: z.int(),
  version: z.string().max(64),
  everyMs: z.int().optional(), // between its beats, by its own word
  status: AgentStatus.optional(),
})
/** What was last heard of an agent; `status` is absent where the agent is of before. */
export type HeardAgent = z.infer<typeof Heard> & { bastion: string }

type Beaten = Pick<Heartbeat, 'bastion' | 'version' | 'everyMs' | 'status'>

const hooksOf = (status: AgentStatus | undefined): string =>
  JSON.stringify(status?.hooks.map(({ name, listening }) => [name, listening]) ?? null)

/**
 * When agents were last heard of, known to every process: whoever judges their silence need not be whom they speak to.
 * Precise to one beat, and to 2 s in what their hooks do.
 */
export const createHeartbeats = ({ state, clock, log }: { state: StateStore; clock: Clock; log: Logger }) => {
  const written = new Map<string, { atMs: number; hooks: string }>()
  return {
    /** Resolves at once; a failure is logged, and made good by the next heartbeat. */
    heard: ({ bastion, version, everyMs, status }: Beaten): void => {
      const nowMs = clock.now()
      const hooks = hooksOf(status)
      const last = written.get(bastion)
      const writeEveryMs = Math.max(soonestMs, beatShare * (everyMs ?? beatMs))
      const limitMs = last?.hooks === hooks ? writeEveryMs : Math.min(writeEveryMs, changeEveryMs)
      if (last && Math.abs(nowMs - last.atMs) < limitMs) return
      written.set(bastion, { atMs: nowMs, hooks })
      state.put(keyOf(bastion), { atMs: nowMs, version, everyMs, ...(status && { status }) }).catch((err: unknown) => {
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
