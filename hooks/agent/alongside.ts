import type { AgentStatus, RelayStatus } from '#services/schema/agent-status.ts'
import type { HeartbeatAnswer } from '#services/schema/uplink.ts'

/** A relay in the agent's process: both are one machine to the receiver, with one heartbeat. */
export type Alongside = {
  /** Null: not known yet. */
  status(): RelayStatus | null
  onAnswer(answer: HeartbeatAnswer): void
}

/** What waits in the relay waits on this machine as what waits in the agent's own spool does. */
export const withRelay = (own: AgentStatus, relay: RelayStatus | null): AgentStatus => {
  if (relay === null) return own
  const share = relay.maxBytes > 0 ? relay.usedBytes / relay.maxBytes : 0
  return {
    ...own,
    spoolShare: Math.max(own.spoolShare, Math.round(1_000 * share) / 1_000),
    spoolOldestMs: Math.max(own.spoolOldestMs, Math.round(relay.oldestMs)),
  }
}
