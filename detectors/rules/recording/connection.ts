import { explains, localSource } from '#services/schema/local-session.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'

/** By what the events of one login, its connection and its sessions find each other. */
export type Ends = {
  sessionId: string | null
  connectionId: string | null
  bastion: string
  sourceIp: string | null
  sourcePort: number | null
  timeMs: number
  isEnded?: boolean // a recorder said so
  isClaimed?: boolean // a channel of sshd is known that it began with
}
/** A login, or a session that another source saw, of which a recording is expected. */
export type Expected = Ends & {
  id: string // of the event that says so
  dueMs: number
  isStarted: boolean // a shell, a command or a subsystem was
  isForward: boolean
  isChannel?: boolean // sshd started it: each needs a recording of its own, also on a connection that has others
  local?: { by: string; tty: string | null } // sudo, su or login of the bastion itself told of it
  isCut?: boolean // it was recorded, and only others saw its end
  told: 'missing' | 'tunnel_only' | 'recorder_killed' | null
}

const togetherMs = 12 * 3_600_000
const maxId = 128

export const endsOf = (event: SessionEvent, timeMs: number): Ends => ({
  sessionId: event.sessionId ?? null,
  connectionId: typeof event.connectionId === 'string' ? event.connectionId.slice(0, maxId) : null,
  bastion: event.bastion,
  sourceIp: event.sourceIp ?? null,
  sourcePort: event.sourcePort ?? null,
  timeMs,
})

/** Some sources know the session, others only the two ends of the connection. */
export const belongs = (a: Ends, b: Ends): boolean => {
  if (Math.abs(a.timeMs - b.timeMs) > togetherMs) return false
  if (a.sessionId !== null && a.sessionId === b.sessionId) return true
  if (a.connectionId !== null && a.connectionId === b.connectionId) return true
  const isKnown = a.sourceIp !== null && a.sourcePort !== null
  return isKnown && a.bastion === b.bastion && a.sourceIp === b.sourceIp && a.sourcePort === b.sourcePort
}

/** Clocks of one host, and logs with whole seconds. */
const slackMs = 2_000
/** Whether a recording that began then can be that of the channel. */
export const isRecordingOf = (recording: Ends, channel: Ends): boolean =>
  belongs(recording, channel) && recording.timeMs >= channel.timeMs - slackMs

/** A `Starting session` of sshd's log; other sources do not tell channels apart. */
export const isChannelStart = (event: SessionEvent): boolean =>
  event.kind === 'session_started' && !event.recorded && typeof event.channel === 'number'

const maxWord = 64
const wordOf = (value: unknown): string | null => (typeof value === 'string' && value ? value.slice(0, maxWord) : null)

/** What began on the bastion itself; null: what else there is. */
export const localOf = (event: SessionEvent): Expected['local'] | null =>
  event.source === localSource
    ? { by: wordOf('protocol' in event ? event.protocol : null) ?? 'login', tty: wordOf(event.ttyName) }
    : null

/** Whether a recording of the same user has it, or goes on around it. */
export const isRecordedBy = (
  { bastion, timeMs, local }: Pick<Expected, 'bastion' | 'timeMs' | 'local'>,
  one: Ends,
): boolean =>
  one.bastion === bastion &&
  explains(
    { startedAtMs: one.timeMs, endedAtMs: one.isEnded ? one.timeMs : null },
    { atMs: timeMs, tty: local?.tty ?? null },
  )

/** A channel-less end: the connection carried forwards only. */
export const hasNoChannels = (event: SessionEvent): boolean => event.kind === 'session_ended' && event.channels === 0

const importedMs = 24 * 3_600_000
/** From an old log, and not by an agent that was cut off for long: whether it was recorded then is not known here. */
export const isImported = ({ agentSeq, receivedAt }: SessionEvent, timeMs: number): boolean =>
  agentSeq == null && receivedAt !== undefined && Date.parse(receivedAt) - timeMs > importedMs
