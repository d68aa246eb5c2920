import type { AgentStatus, RelayStatus } from '#services/schema/agent-status.ts'
import { printable } from './printable.ts'

type Health = { heardAtMs: number | null; version: string | null; status: AgentStatus | null }

const percent = (share: number): string => `${Math.round(share * 100)} %`
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms % 1_000 === 0 ? 0 : 1)} s`

const clockText = (offsetMs: number | null): string =>
  offsetMs === null ? 'clock not compared yet' : `clock ${offsetMs < 0 ? '-' : '+'}${seconds(Math.abs(offsetMs))}`

const relayText = ({ agents, waiting, deadLetters }: RelayStatus): string =>
  `relay of ${agents.length} agents, ${waiting} records wait, ${deadLetters} refused for good`

/** How an agent was when it was last heard, for people. */
export const healthLine = ({ heardAtMs, version, status }: Health, nowMs: number): string => {
  if (heardAtMs === null) return 'not heard yet'
  const heard = `heard ${Math.max(0, Math.round((nowMs - heardAtMs) / 1_000))} s ago, version ${printable(version ?? '')}`
  if (status === null) return heard
  const { openSessions, spoolShare, spoolOldestMs, clockOffsetMs, hooks, relay } = status
  const spool = `spool ${percent(spoolShare)}${spoolOldestMs > 0 ? `, oldest ${seconds(Math.round(spoolOldestMs))}` : ''}`
  const hookText = hooks.map(({ name, listening }) => printable(listening ? name : `${name} DEAD`)).join(' ')
  const parts = [
    heard,
    `${openSessions} open sessions`,
    spool,
    clockText(clockOffsetMs),
    `hooks: ${hookText || 'none'}`,
  ]
  return (relay ? [...parts, relayText(relay)] : parts).join('; ')
}
