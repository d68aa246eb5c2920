import type { SessionEnding } from '#hooks/hook.ts'
import type { Logger } from '#services/log.ts'
import type { SessionChain } from './session-chain.ts'

/** Sessions that an earlier agent left open: their sources may come back for a while, then they end as truncated. */
export type Suspended = {
  /** Its source is back. */
  taken(sessionId: string): void
  endAll(): Promise<void>
}

const ending = (chain: SessionChain): SessionEnding => ({
  reason: 'truncated',
  exitCode: null,
  signal: null,
  dumpedCore: false,
  detail: 'the agent was cut off, and the source did not come back',
  runTimeNs: chain.elapsedNs,
})

export const createSuspended = (options: {
  graceMs: number
  chains: readonly SessionChain[]
  end: (chain: SessionChain, ending: SessionEnding) => Promise<void>
  /** Of a session whose end is in the spool: writes the event that is not. */
  completeEnd: (chain: SessionChain) => Promise<void>
  log: Logger
}): Suspended => {
  const { graceMs, end, completeEnd, log } = options
  const waiting = new Map(options.chains.map((chain) => [chain.sessionId, chain]))

  const endOne = async (chain: SessionChain): Promise<void> => {
    waiting.delete(chain.sessionId)
    try {
      await (chain.end ? completeEnd(chain) : end(chain, ending(chain)))
      log.info({ sessionId: chain.sessionId }, 'session of an earlier agent ended')
    } catch (error) {
      log.error({ err: error, sessionId: chain.sessionId }, 'session of an earlier agent could not be ended')
    }
  }
  const endAll = async (): Promise<void> => {
    clearTimeout(timer)
    await Promise.all([...waiting.values()].map(endOne))
  }
  const timer = setTimeout(() => void endAll(), graceMs).unref()
  for (const chain of options.chains) if (chain.end) void endOne(chain)
  return {
    taken: (sessionId) => void waiting.delete(sessionId),
    endAll,
  }
}
