import type { Recorder } from '#hooks/hook.ts'
import type { HookState } from '#services/schema/agent-status.ts'

/** How a hook is at this moment; asked for whenever somebody wants to know. */
export type HookProbe = () => { listening: boolean; lastError: string | null }

/** Keeps an eye on the hooks of an agent. */
export type HookWatch = {
  /** A hook that runs from now on. */
  add(name: string, probe: HookProbe): void
  /** The recorder as this hook gets it: that something came of it is noted. */
  recorderFor<R extends Recorder>(name: string, recorder: R): Recorder
  states(): HookState[]
  /** The agent ends: hooks that listen no more are as they should be. */
  stop(): void
}

type Watched = { probe: HookProbe; listening: boolean; sinceMs: number }

const maxError = 512
const iso = (atMs: number): string => new Date(atMs).toISOString()

export const createHookWatch = (now: () => number): HookWatch => {
  const hooks = new Map<string, Watched>()
  const lastEventMs = new Map<string, number>()

  const look = (name: string, hook: Watched): HookState => {
    const { listening, lastError } = hook.probe()
    if (listening !== hook.listening) Object.assign(hook, { listening, sinceMs: now() })
    const lastMs = lastEventMs.get(name)
    return {
      name,
      listening,
      since: iso(hook.sinceMs),
      lastEventAt: lastMs === undefined ? null : iso(lastMs),
      lastError: lastError === null ? null : lastError.slice(0, maxError).toWellFormed(),
    }
  }
  return {
    add: (name, probe) => void hooks.set(name, { probe, listening: probe().listening, sinceMs: now() }),
    recorderFor: (name, recorder) => {
      const noting = <A extends unknown[], T>(act: (...given: A) => Promise<T>) => {
        return (...given: A): Promise<T> => {
          lastEventMs.set(name, now())
          return act(...given)
        }
      }
      const { bastion, open, resume, event } = recorder
      return { bastion, open: noting(open), resume: noting(resume), event: noting(event) }
    },
    states: () => [...hooks].map(([name, hook]) => look(name, hook)),
    stop: () => hooks.clear(),
  }
}
