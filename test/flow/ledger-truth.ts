import type { SessionState } from '#services/schema/session.ts'

/** What the run itself did, against which the ledger is held. */

export const kinds = [
  'shell',
  'command',
  'copy',
  'shared connection',
  'nested sudo',
  'log lines lost',
  'tunnel',
  'no recorder',
  'recorder killed',
  'sudo at a terminal',
  'sudo of an outsider',
  'agent killed',
  'ingest away',
  'agent stopped',
] as const
export type Kind = (typeof kinds)[number]

export type Gap = 'missing' | 'tunnel_only' | 'recorder_killed' | 'truncated'

/** Where a row or an alert of one user comes from: an address, or a terminal of the bastion itself. */
export const placeOf = ({ sourceIp, user }: { sourceIp: string | null; user: string | null }): string =>
  sourceIp ?? `terminal of ${user}`

/** One ssh connection, or one terminal of the bastion itself. */
export type Truth = {
  kind: Kind
  place: string // of no other connection
  user: string
  states: SessionState[] // of its sessions, in no order
  children: number // nested ones, each complete
  gap: Gap | null
  faultAtMs: number // when it went wrong; of a healthy one: when it was over
  dueAtMs: number // until when it has to be named
  mayBeLate: boolean // nothing was heard of its agent for a while
}

/**
 * Nobody could name anything: nothing came of the bastion, or ingest was away, which is told that it missed nothing by
 * waiting once more (`countsAgain`).
 */
export type Outage = { fromMs: number; toMs: number; countsAgain: boolean }

/** The agent as a whole did not say anything. */
export type Silence = { faultAtMs: number; dueAtMs: number }

export type Played = { truths: Truth[]; silences: Silence[]; outages: Outage[] }

/** Until when it has to be named, where an outage lay between. `slackMs`: what may be late began before it. */
export const dueAfter = ({ faultAtMs, dueAtMs }: Silence, outages: readonly Outage[], slackMs: number): number => {
  let dueMs = dueAtMs
  for (const { fromMs, toMs, countsAgain } of outages)
    if (faultAtMs < toMs && dueMs + slackMs > fromMs)
      dueMs = Math.max(dueMs, toMs + (countsAgain ? dueAtMs - faultAtMs : 0))
  return dueMs
}

/** How long after the fault the ledger may be silent, in ms. */
export type Deadlines = Record<Gap | 'silent', number>
