import type { HookEvent, Origin, SessionEnding, SessionOpening } from '#hooks/hook.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import type { Marker } from '#services/schema/marker.ts'

/**
 * One connection. greeting: nothing decided yet; recording: a session with its bytes; noting: sudo reports a session
 * without recording it; done: nothing more may come.
 */
export type State = {
  phase: 'greeting' | 'recording' | 'noting' | 'done'
  client: string | null // what the hello said
  elapsedNs: bigint // sum of all delays, as the client counts it
  origin: Origin | null // null after a restart, which does not say who
  noted: { sessionId: string; startedAtMs: number } | null
}

/** What is to be done about a message, in this order. */
export type Effect =
  | { do: 'open'; opening: SessionOpening }
  | { do: 'resume'; logId: string; resumePointNs: bigint }
  | { do: 'frame'; frame: Frame }
  | { do: 'marker'; marker: Marker }
  | { do: 'event'; event: HookEvent } // in a recorded session: with its session id
  | { do: 'sendLogId' }
  | { do: 'end'; ending: SessionEnding }
  | { do: 'commit'; elapsedNs: bigint } // the final one: exactly what the client counted
  | { do: 'hangUp' }

export type Context = { nowMs: number; newSessionId: () => string }
export type Result = { state: State; effects: Effect[] }

export const initialState: State = { phase: 'greeting', client: null, elapsedNs: 0n, origin: null, noted: null }
