import type { SessionState } from './session.ts'

/**
 * When a session that some source saw becomes a gap, and what is said of it. docs/operations/coverage.md shows this table.
 * Times count from what is named in `from`, by the bastion's clock; where nothing more comes of it, by ours.
 */

export type Gap = Extract<SessionState, 'missing' | 'truncated' | 'recorder_killed' | 'late' | 'tunnel_only'>
export const gapStates: readonly Gap[] = ['missing', 'truncated', 'recorder_killed', 'late', 'tunnel_only']
export type Deadline = {
  gap: Gap | 'agent_silent'
  from: string
  afterMs: number
  setting: string | null // null: fixed
  alert: string // what the alert says; `late` is told as the agent's silence
  resolves: string
}

const seconds = 1_000
const minutes = 60 * seconds

/** Beats of an agent that have to be missed, one after another, before it is silent. */
export const missedBeats = 3
/** How often an agent beats that does not say it. */
export const beatMs = 10 * seconds

export const graceMs = 60 * seconds

export const deadlines: readonly Deadline[] = [
  {
    gap: 'missing',
    from: "`Starting session` in sshd's log, and no recorder began",
    afterMs: graceMs,
    setting: 'detectors.recordingGap.graceMs',
    alert: 'logged in and was not recorded',
    resolves: 'the recording arrives: the row goes, the recorded one stays',
  },
  {
    gap: 'missing',
    from: "`sudo`, `su` or `login` at a terminal in the bastion's own log, which no session of ssh and no recording explains",
    afterMs: graceMs,
    setting: 'detectors.recordingGap.graceMs',
    alert: 'began a session on the bastion itself',
    resolves: 'the recording arrives: the row goes, the recorded one stays',
  },
  {
    gap: 'tunnel_only',
    from: 'end of a connection on which somebody had logged in, and no session began',
    afterMs: graceMs,
    setting: 'detectors.recordingGap.graceMs',
    alert: 'logged in, started nothing and forwarded through the bastion',
    resolves: "a session of that connection arrives, or its lines of sshd's log",
  },
  {
    gap: 'recorder_killed',
    from: 'end of the stream without its exit',
    afterMs: 10 * seconds,
    setting: null,
    alert: 'the recorder was killed or tampered with',
    resolves: 'the rest of the recording arrives',
  },
  {
    gap: 'truncated',
    from: 'last sign of the agent (or its own word that the source did not come back, or that frames are missing)',
    afterMs: 24 * 60 * minutes,
    setting: 'ingest.orphanAfterMs',
    alert: 'recordings were cut short',
    resolves: 'the rest of the recording arrives',
  },
  {
    gap: 'late',
    from: 'last sign of the agent, while a session of it is open',
    afterMs: 20 * minutes,
    setting: 'detectors.recordingGap.silentMs',
    alert: "the recorder's agent is silent",
    resolves: 'the agent is heard again',
  },
  {
    gap: 'agent_silent',
    from: `the last of the agent's beats; ${missedBeats} more were due, one each ${beatMs / seconds} s`,
    afterMs: missedBeats * beatMs,
    setting: 'agent.heartbeatMs',
    alert: "the recorder's agent is silent",
    resolves: 'the agent is heard again',
  },
]
