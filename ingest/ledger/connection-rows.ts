import { hash } from 'node:crypto'
import type { ConnectionSession, SessionRow } from '#services/catalog/catalog.ts'
import { SessionId } from '#services/schema/ids.ts'
import { explains, localSource, type UserRecording } from '#services/schema/local-session.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'
import { unrecordedOf } from './match-channels.ts'
import { atMsOf, type Channel, isLocal, type Stream, type Visit, visitsOf } from './visits.ts'

/** Events of one ssh connection → the rows of its sessions that sshd saw and no recorder did. */

/** `dueAtMs`: event time at which what still waits, for its recording or for a session, has waited long enough. */
export type ConnectionRows = { rows: SessionRow[]; dueAtMs: number | null }

type Connection = { bastion: string; connectionId: string }

const latestMs = 2 ** 48 - 1

/** A UUIDv7 (RFC 9562, 5.7) with the start as its time and a hash where others have chance: the same each time. */
const rowId = ({ bastion, connectionId }: Connection, event: SessionEvent): SessionId => {
  const ms = Math.min(latestMs, Math.max(0, atMsOf(event)))
  const time = ms.toString(16).padStart(12, '0')
  const digest = hash('sha256', `bartizan-ledger-v0\n${JSON.stringify([bastion, connectionId, event.id])}`)
  const variant = (8 + (Number.parseInt(digest.slice(3, 4), 16) & 3)).toString(16)
  return SessionId.parse(
    `${time.slice(0, 8)}-${time.slice(8)}-7${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(8, 20)}`,
  )
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** sshd names it as it stands below /dev. */
const terminalOf = (name: string | null): string | null =>
  name === null || name.startsWith('/') ? name : `/dev/${name}`

const rowOf = (
  connection: Connection,
  { login, disconnect }: Visit,
  event: SessionEvent,
  endedAtMs: number | null,
): SessionRow => {
  const endMs = endedAtMs ?? (disconnect && atMsOf(disconnect))
  const startMs = atMsOf(event)
  const endedAt = endMs === null ? null : new Date(Math.max(startMs, endMs)).toISOString()
  const startedAt = new Date(startMs).toISOString()
  return {
    id: rowId(connection, event),
    ...connection,
    parentId: null,
    user: textOf(event.user) ?? textOf(login?.user) ?? 'unknown',
    runAs: textOf(event.runAs),
    target: event.target ?? connection.bastion,
    sourceIp: event.sourceIp ?? login?.sourceIp ?? null,
    sourcePort: event.sourcePort ?? login?.sourcePort ?? null,
    hook: isLocal(event) ? localSource : 'openssh',
    startedAt,
    endedAt,
    exitCode: null,
    exitSignal: null,
    recorded: false,
    state: event.kind === 'login' ? 'tunnel_only' : 'missing',
    endDetail: textOf(disconnect?.reason),
    tty: terminalOf(textOf(event.ttyName)),
    rows: null,
    cols: null,
    argv: [textOf(isLocal(event) ? event.protocol : event.subsystem) ?? []].flat(),
    durationMs: endedAt === null ? null : Date.parse(endedAt) - startMs,
    outBytes: 0,
    inBytes: 0,
    lastActivityAt: endedAt ?? startedAt,
  }
}

/** By the recorders' own word, and by what they sent: either may come first. */
const streamsOf = (events: readonly SessionEvent[], sessions: readonly ConnectionSession[]): Stream[] => {
  const streams = new Map<string, Stream>()
  for (const event of events) {
    const { kind, sessionId } = event
    if (kind !== 'session_started' || !event.recorded || !sessionId || textOf(event.parentId)) continue
    streams.set(sessionId, { sessionId, atMs: atMsOf(event) })
  }
  for (const { id, recorded, parentId, startedAt } of sessions) {
    if (parentId !== null) streams.delete(id)
    else if (recorded) streams.set(id, { sessionId: id, atMs: Date.parse(startedAt) })
  }
  return [...streams.values()]
}

/** `channels` of the end: how many there were, also where their starts are still to come. */
const isTunnel = ({ login, channels, streams, disconnect }: Visit): boolean =>
  login !== null && disconnect !== null && channels.length === 0 && streams.length === 0 && !disconnect.channels

const startOf = ({ event, atMs }: Channel) => ({ atMs, tty: textOf(event.ttyName) })

/**
 * `clockMs`: how far event time has come on this bastion; `graceMs`: how long a recording is waited for. `recordings`: of
 * whoever began a session on the bastion itself.
 */
export const connectionRows = (
  connection: Connection,
  events: readonly SessionEvent[],
  sessions: readonly ConnectionSession[],
  clockMs: number,
  graceMs: number,
  recordings: readonly UserRecording[] = [],
): ConnectionRows => {
  const rows: SessionRow[] = []
  let dueAtMs: number | null = null
  const judge = (fromMs: number, row: () => SessionRow): void => {
    if (fromMs + graceMs <= clockMs) rows.push(row())
    else dueAtMs = Math.min(dueAtMs ?? Number.POSITIVE_INFINITY, fromMs + graceMs)
  }
  for (const visit of visitsOf(events, streamsOf(events, sessions))) {
    if (isTunnel(visit)) judge(atMsOf(visit.disconnect!), () => rowOf(connection, visit, visit.login!, null))
    const unexplained = visit.channels.filter(
      (channel) => !isLocal(channel.event) || !recordings.some((one) => explains(one, startOf(channel))),
    )
    for (const { event, atMs, endedAtMs } of unrecordedOf(unexplained, visit.streams))
      judge(atMs, () => rowOf(connection, visit, event, endedAtMs))
  }
  return { rows, dueAtMs }
}
