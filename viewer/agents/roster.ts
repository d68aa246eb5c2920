import { z } from 'zod'
import { AgentCertificate } from '#services/agents/certificate-list.ts'
import { EnrolmentWay } from '#services/agents/enrolment-way.ts'
import type { Enrolment } from '#services/agents/enrolments.ts'
import type { HeardAgent } from '#services/agents/heartbeats.ts'
import { AgentStatus, statusLimits } from '#services/schema/agent-status.ts'
import type { DetectorSettings } from '#services/schema/detector-settings.ts'

/** Heartbeats come every few seconds, and are noted every 30: this is not yet an alert, but worth a look. */
const silentAfterMs = 120_000

const Concern = z.enum(['silent', 'clock', 'spool', 'hooks'])
type Concern = z.infer<typeof Concern>

/**
 * As `/api/agents` gives it out. `way`: null, it is not enrolled. `heardAtMs`: Unix ms, null: never. `concerns`: what
 * somebody should look at.
 */
export const AgentInfo = z.object({
  bastion: z.string(),
  certificates: z.array(AgentCertificate),
  way: EnrolmentWay.nullable(),
  heardAtMs: z.number().nullable(),
  version: z.string().nullable(),
  status: AgentStatus.nullable(),
  concerns: z.array(Concern),
})
export type AgentInfo = z.infer<typeof AgentInfo>

type Limits = Pick<DetectorSettings['recordingGap'], 'clockWarnMs' | 'spoolWarnShare'>

const isDead = ({ listening, since }: AgentStatus['hooks'][number], atMs: number): boolean =>
  !listening && atMs - Date.parse(since) >= statusLimits.hookDownMs

/** Of an agent that was heard; of what it said last, however long ago. */
export const concernsOf = (
  { atMs, status }: Pick<HeardAgent, 'atMs' | 'status'>,
  { clockWarnMs, spoolWarnShare }: Limits,
  nowMs: number,
): Concern[] => {
  const found: Record<Concern, boolean> = {
    silent: nowMs - atMs > silentAfterMs,
    clock: Math.abs(status?.clockOffsetMs ?? 0) > clockWarnMs,
    spool: (status?.spoolShare ?? 0) > spoolWarnShare,
    hooks: status?.hooks.some((hook) => isDead(hook, atMs)) ?? false,
  }
  return Concern.options.filter((concern) => found[concern])
}

/** Every agent that is enrolled or was heard, by the name of its bastion. */
export const agentsOf = (
  enrolled: readonly Enrolment[],
  heard: readonly HeardAgent[],
  limits: Limits,
  nowMs: number,
): AgentInfo[] => {
  const names = new Set([...enrolled, ...heard].map(({ bastion }) => bastion))
  return [...names].sort().map((bastion) => {
    const said = heard.find((one) => one.bastion === bastion)
    const known = enrolled.find((one) => one.bastion === bastion)
    return {
      bastion,
      certificates: known?.certificates ?? [],
      way: known?.way ?? null,
      heardAtMs: said?.atMs ?? null,
      version: said?.version ?? null,
      status: said?.status ?? null,
      concerns: said ? concernsOf(said, limits, nowMs) : [],
    }
  })
}
