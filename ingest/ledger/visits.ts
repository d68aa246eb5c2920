import { localSource } from '#services/schema/local-session.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'

/** An ssh client may use its port again after days: all that is known of one 4-tuple, told apart by its logins. */

type LoginEvent = Extract<SessionEvent, { kind: 'login' }>

/** A `Starting session` of sshd, or a stay at a terminal of the bastion. */
export type Channel = { event: SessionEvent; atMs: number; endedAtMs: number | null }
/** A session that a recorder saw and that was started by the login itself. */
export type Stream = { sessionId: string; atMs: number }
export type Visit = {
  login: LoginEvent | null // null: the log does not go back to it
  channels: Channel[] // by start
  streams: Stream[] // by start
  disconnect: SessionEvent | null
}

/** Clocks of one host, read by sshd, by its log and by the recorder; a log may have whole seconds only. */
export const slackMs = 2_000

export const atMsOf = ({ at }: SessionEvent): number => Date.parse(at)

/** Told by sudo, su or login of the bastion itself. */
export const isLocal = ({ source }: SessionEvent): boolean => source === localSource
export const isOfLog = (event: SessionEvent): boolean => event.source === 'openssh' || isLocal(event)
type Started = Extract<SessionEvent, { kind: 'session_started' }>
export const isStart = (event: SessionEvent): event is Started => event.kind === 'session_started'
const channelOf = (event: SessionEvent): unknown => event.channel ?? null
const isDisconnect = (event: SessionEvent): boolean => channelOf(event) === null

const ranks: Partial<Record<SessionEvent['kind'], number>> = { login: 0, session_started: 1, session_ended: 2 }
const rankOf = (event: SessionEvent): number => (ranks[event.kind] ?? 3) + (isDisconnect(event) ? 0.5 : 0)

/** What a log with whole seconds leaves open goes as a connection does; what is equal then, by id. */
const inOrder = (a: SessionEvent, b: SessionEvent): number =>
  atMsOf(a) - atMsOf(b) || rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1)

const distinct = (events: readonly SessionEvent[]): SessionEvent[] =>
  [...new Map(events.map((event) => [event.id, event])).values()].sort(inOrder)

const newVisit = (login: LoginEvent | null): Visit => ({ login, channels: [], streams: [], disconnect: null })

const takeEnd = (visit: Visit, event: SessionEvent): void => {
  if (isDisconnect(event)) {
    if (isLocal(event))
      visit.disconnect = event // the last that ended at that terminal
    else visit.disconnect ??= event
    return
  }
  const open = visit.channels.find(
    (channel) => channel.endedAtMs === null && channelOf(channel.event) === channelOf(event),
  )
  if (open) open.endedAtMs = atMsOf(event)
}

const takeOfLog = (visits: Visit[], event: SessionEvent): void => {
  if (event.kind === 'login') {
    visits.push(newVisit(event))
    return
  }
  const visit = visits.at(-1)!
  if (event.kind === 'session_started') visit.channels.push({ event, atMs: atMsOf(event), endedAtMs: null })
  else if (event.kind === 'session_ended') takeEnd(visit, event)
}

const beginsBy = (visit: Visit, atMs: number): boolean => visit.login === null || atMsOf(visit.login) <= atMs + slackMs

/** `events`: of one connection, in any order, some of them twice. `streams`: those that no event tells of. */
export const visitsOf = (events: readonly SessionEvent[], streams: readonly Stream[]): Visit[] => {
  const visits: Visit[] = [newVisit(null)]
  for (const event of distinct(events)) if (isOfLog(event)) takeOfLog(visits, event)
  const sorted = streams.toSorted((a, b) => a.atMs - b.atMs || (a.sessionId < b.sessionId ? -1 : 1))
  for (const stream of sorted) visits.findLast((visit) => beginsBy(visit, stream.atMs))!.streams.push(stream)
  return visits
}
