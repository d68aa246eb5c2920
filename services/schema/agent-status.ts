import { z } from 'zod'
import { BastionName, SessionId } from './ids.ts'

/** How an agent is: in its heartbeats, and in its `recorder_health` events. Times are the agent's own. */

/** Of what agents and the receiver say to each other; both take that of the release before, and of the one after. */
export const uplinkProtocol = 1

const text = (max: number) => z.string().max(max)
const instant = z.iso.datetime()
const maxSessions = 100

export const HookState = z.object({
  name: text(64), // sudo, openssh, …
  listening: z.boolean(), // it can take what its source says
  since: instant, // of `listening`
  lastEventAt: instant.nullable(), // null: nothing since the agent started
  lastError: text(512).nullable(),
})
export type HookState = z.infer<typeof HookState>

export const agentStatusFields = {
  version: text(64),
  nodeVersion: text(64),
  protocol: z.int().nonnegative(),
  openSessions: z.int().nonnegative(),
  /** The first hundred of them, each with its last batch. */
  sessions: z.array(z.object({ sessionId: SessionId, lastSeq: z.int() })).max(maxSessions),
  spoolShare: z.number().nonnegative(), // of what sessions may fill; 1: full
  spoolOldestMs: z.number().nonnegative(), // age of the oldest that the receiver does not have; after a restart at least so old
  /** The agent's clock less the receiver's; null: not compared yet. */
  clockOffsetMs: z.number().nullable(),
  hooks: z.array(HookState).max(32),
}

/** What a relay adds: what waits there, and whom it heard. */
export const RelayStatus = z.object({
  port: z.int(), // where it takes agents
  usedBytes: z.number().nonnegative(), // of its spool, on the disk
  maxBytes: z.number().nonnegative(),
  waiting: z.int().nonnegative(), // records that the receiver does not have
  oldestMs: z.number().nonnegative(), // age of the oldest of them
  deadLetters: z.int().nonnegative(), // that the receiver refused for good; kept by the relay
  agents: z.array(z.object({ bastion: BastionName, heardAt: instant })).max(2_000),
})
export type RelayStatus = z.infer<typeof RelayStatus>

export const AgentStatus = z.object({ ...agentStatusFields, relay: RelayStatus.optional() })
export type AgentStatus = z.infer<typeof AgentStatus>
export const maxStatusSessions = maxSessions

/** From where on it is told at once, and alerted where `detectors.recordingGap` says nothing else. */
export const statusLimits = {
  clockWarnMs: 5_000,
  clockAlertMs: 60_000,
  spoolWarnShare: 0.5,
  spoolAlertShare: 0.8,
  hookDownMs: 30_000,
} as const
