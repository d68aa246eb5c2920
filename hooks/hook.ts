import type { Frame } from '#services/recordings/format/frame-batch.ts'
import type { Marker } from '#services/schema/marker.ts'
import type { SessionEvent } from '#services/schema/session-event.ts'

/** What every hook talks to: the agent's side of a recording. Implemented by hooks/agent. */

/** How the local terminal treats what is typed now. `unknown`: it could not be read. */
export type TtyMode = 'echo' | 'no_echo' | 'raw' | 'unknown' // ICANON+ECHO, ICANON without ECHO, no ICANON

/** Who did something from where, as far as the source says. */
export type Origin = {
  user: string
  runAs: string | null
  target: string | null
  sourceIp: string | null
  sourcePort: number | null
  connectionId: string | null
}

export type SessionOpening = Origin & {
  hook: string
  startedAtMs: number
  tty: string | null
  rows: number | null
  cols: number | null
  argv: string[] // as received: the agent masks secrets
  cwd: string | null
  env: Record<string, string> // as received: the agent keeps allow-listed names only
  originalCommand: string | null
  client: string
  /** Mode of the session's terminal now; absent where there is no terminal or no way to look. */
  ttyMode?: () => Promise<TtyMode>
  clock?: Clock
  /** The kernel's login session (audit `ses`), where the source knows it. */
  auditSession?: number | null
}

/**
 * By what time it is judged whether output answered a key. `wall` (default): frames come as they happen. `stream`: they
 * come late, many at once, and only their delays say when they happened.
 */
export type Clock = 'wall' | 'stream'

export type SessionEnding = {
  reason: 'exit' | 'recorder_killed' | 'truncated' | 'aborted'
  exitCode: number | null
  signal: string | null
  dumpedCore: boolean
  detail: string
  runTimeNs: bigint
}

/** One recording under way. Calls come in stream order; nothing here blocks the source. */
export type SessionRecorder = {
  readonly sessionId: string
  /** What the source gets as its log id, and names when it comes back to go on. */
  readonly logId: string
  /** Data of any length up to 2 MiB; split over batches where needed. */
  frame(frame: Frame): void
  /** Something known besides bytes, at this place of the stream (an execve, an alert). Secrets in argv are masked here. */
  marker(marker: Marker): void
  /** Sum of the delays of all frames that came, those of before a resume included. */
  readonly receivedNs: bigint
  /** Unspooled bytes held for this session: a hook stops reading its source above 4 MiB and goes on below 1 MiB. */
  readonly pendingBytes: number
  onDrained(listener: () => void): void
  /**
   * Called with the sum of the delays of all frames that are durable in the spool, each time it grows: what a source
   * may be told is safe. Never passes a frame that is still held for masking.
   */
  onCommit(listener: (elapsedNs: bigint) => void): void
  /** The agent ends this session (drain, full spool, an order): the hook tells the source with `text` and then calls end. */
  onAbort(listener: (text: string) => void): void
  /** Resolves when the end is durable in the spool and the last onCommit was called with the exact total. */
  end(ending: SessionEnding): Promise<void>
  /**
   * This recorder takes nothing more; the session stays open for `resume`, also by the next agent (for as long as
   * sudo.resumeGraceMs). For a source with a memory of its own, such as a file. Resolves when all that was decided is durable.
   * `held`: what is not decided yet is dropped, because the source has it, or masked, because it has not.
   */
  leave(held: 'drop' | 'mask'): Promise<void>
}

export type Recorder = {
  readonly bastion: string
  /** @throws BTZ_SPOOL_FULL or BTZ_UNAVAILABLE (draining), with a message fit for the user whose login is refused */
  open(opening: SessionOpening): Promise<SessionRecorder>
  /**
   * A source that was cut off comes back. Frames up to what is already durable are recognised and not recorded twice.
   * `end`: it sends nothing again, and goes on behind what is recorded.
   * @throws BTZ_NOT_FOUND when the log id is unknown or its session is sealed
   */
  resume(logId: string, resumePointNs: bigint | 'end', clock?: Clock): Promise<SessionRecorder>
  /** Durable in the spool when resolved. The agent adds id, agentSeq, prevHash, bastion and masks argv. */
  event(event: HookEvent): Promise<void>
}
/** An event as a hook knows it: what the agent adds is left out. */
export type HookEvent = Record<string, unknown> & { kind: SessionEvent['kind']; at: string; source: string }
