import type { Alert } from '../schema/alert.ts'
import type { SessionEvent } from '../schema/session-event.ts'

/** A destination outside: a SIEM, a chat, a mailbox, a file. */

export type Outgoing = { type: 'event'; event: SessionEvent } | { type: 'alert'; alert: Alert }

/** `seq`: without gaps per destination, so that a receiver can tell whether something is missing. */
export type Numbered = { seq: number; item: Outgoing }

/**
 * What became of a batch: so many from its beginning were taken. `refused`: the next one can never be taken, by this
 * destination, for this reason; it goes to the dead letters and the rest goes on after it.
 */
export type Sent = { taken: number; refused?: { reason: string } }

export type Sink = {
  /** In order. @throws SinkUnavailable for what may succeed later: the batch is sent again from what was not taken */
  send(batch: readonly Numbered[], signal: AbortSignal): Promise<Sent>
  close(): Promise<void>
}

/** The destination cannot take anything now. `retryAfterMs`: what it asked for, null where it said nothing. */
export class SinkUnavailable extends Error {
  readonly retryAfterMs: number | null
  constructor(message: string, retryAfterMs: number | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'SinkUnavailable'
    this.retryAfterMs = retryAfterMs
  }
}

/** The destination says that it wants nothing any more: it is asked again now and then, and a person should look. */
export class SinkGone extends SinkUnavailable {
  constructor(message: string) {
    super(message)
    this.name = 'SinkGone'
  }
}

/** Makes one item the bytes that a destination reads, without a newline at its end. Pure. */
export type Format = (numbered: Numbered, about: FormatContext) => string
export type FormatContext = {
  host: string
  version: string
  consoleUrl: string
  shortenedFromBytes?: number // what the whole would have been: the item was shortened to fit this destination
}
