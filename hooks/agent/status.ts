import { type AgentStatus, maxStatusSessions, statusLimits, uplinkProtocol } from '#services/schema/agent-status.ts'
import type { SessionId } from '#services/schema/ids.ts'
import { version } from '#services/version.ts'
import type { HookWatch } from './hook-watch.ts'
import type { AgentRecorder } from './recorder.ts'
import type { Spool } from './spool/spool.ts'
import type { SpoolAge } from './spool-age.ts'

export type StatusParts = {
  recorder: Pick<AgentRecorder, 'openSessions'>
  spool: Pick<Spool, 'usedBytes'>
  capacityBytes: number
  age: SpoolAge
  hooks: Pick<HookWatch, 'states'>
  clockOffsetMs: () => number | null
}

/** How the agent is now. */
export const statusOf = ({ recorder, spool, capacityBytes, age, hooks, clockOffsetMs }: StatusParts): AgentStatus => {
  const { openSessions } = recorder
  const sessions = openSessions.slice(0, maxStatusSessions)
  return {
    version,
    nodeVersion: process.version,
    protocol: uplinkProtocol,
    openSessions: openSessions.length,
    sessions: sessions.map(({ sessionId, lastSeq }) => ({ sessionId: sessionId as SessionId, lastSeq })),
    spoolShare: Math.round((1_000 * spool.usedBytes) / capacityBytes) / 1_000,
    spoolOldestMs: Math.round(age.oldestMs()),
    clockOffsetMs: clockOffsetMs(),
    hooks: hooks.states(),
  }
}

export type Trouble = { key: string; text: string } // key: the same as long as nothing gets better or worse

/** What is wrong, and should be known before the next report is due. The spool tells of 80 % and more by itself. */
export const troublesOf = ({ clockOffsetMs, spoolShare, hooks }: AgentStatus, nowMs: number): Trouble[] => {
  const { clockWarnMs, clockAlertMs, spoolWarnShare, hookDownMs } = statusLimits
  const troubles: Trouble[] = []
  const offMs = clockOffsetMs ?? 0
  if (Math.abs(offMs) > clockWarnMs) {
    const side = offMs > 0 ? 'ahead of' : 'behind'
    const text = `the clock is ${(Math.abs(offMs) / 1_000).toFixed(1)} s ${side} that of the receiver`
    troubles.push({ key: Math.abs(offMs) > clockAlertMs ? 'clock far off' : 'clock off', text })
  }
  if (spoolShare > spoolWarnShare)
    troubles.push({ key: 'spool', text: `the spool is ${Math.round(spoolShare * 100)} % full` })
  for (const { name, listening, since, lastError } of hooks) {
    if (listening || nowMs - Date.parse(since) < hookDownMs) continue
    troubles.push({ key: `hook ${name}`, text: `the hook ${name} does not listen${lastError ? `: ${lastError}` : ''}` })
  }
  return troubles
}
