import { hash } from 'node:crypto'
import { quote } from 'shell-quote'
import type { HookEvent } from '#hooks/hook.ts'
import { BartizanError } from '#services/errors.ts'
import { maskArgv, maskCommandLine } from '#services/masking/mask-argv.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import type { Spool } from './spool/spool.ts'
import type { SpooledState } from './spooled-state.ts'

/** The agent's events, each with its number and the hash of the one before. */
export type EventChain = {
  /**
   * Durable when resolved. `onWritten` is called when the event has its place in the spool.
   * @throws BTZ_REQUEST_INVALID BTZ_SPOOL_FULL BTZ_DATA_UNWRITABLE
   */
  emit(event: HookEvent, options?: { useReserve?: boolean; onWritten?: () => void }): Promise<void>
}

const maxEventBytes = 512 * 1024
const maxLineChars = 64 * 1024

const texts = (value: unknown): string[] | null =>
  Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : null

/** Secrets on command lines replaced. A line that is the quoted argv stays that. */
export const maskedEvent = <E extends HookEvent>(event: E): E => {
  const argv = texts(event.argv)
  const line = typeof event.line === 'string' ? event.line : null
  if (!argv && line === null) return event
  const maskedWords = argv && maskArgv(argv)
  const text = maskedWords && line === quote(argv) ? quote(maskedWords) : line && maskCommandLine(line)
  return {
    ...event,
    ...(maskedWords && { argv: maskedWords }),
    ...(text !== null && {
      line: text.length > maxLineChars ? `${text.slice(0, maxLineChars).toWellFormed()}…` : text,
    }),
  }
}

const validated = (event: Record<string, unknown>): void => {
  const result = SessionEvent.safeParse(event)
  if (result.success) return
  const where = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  throw new BartizanError('BTZ_REQUEST_INVALID', `event ${String(event.kind)}: ${where}`)
}

export const createEventChain = (options: {
  spool: Pick<Spool, 'append'>
  state: SpooledState
  bastion: string
  keyId: string
}): EventChain => {
  const { spool, state, bastion, keyId } = options

  const finished = (event: HookEvent): { seq: number; record: Record<string, unknown> } => {
    const { nextSeq: seq, lastHash } = state.events
    const id = hash('sha256', `bartizan-event-v0\n${bastion}\n${keyId}\n${seq}\n`)
    return { seq, record: { id, ...event, bastion, agentSeq: seq, prevHash: lastHash } }
  }

  return {
    emit: async (event, { useReserve = false, onWritten } = {}) => {
      const safe = maskedEvent(event)
      validated(finished(safe).record)
      const hintBytes = Buffer.byteLength(JSON.stringify(safe)) + 256
      if (hintBytes > maxEventBytes) {
        throw new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `event ${event.kind} of ${hintBytes} bytes`)
      }
      const sessionId = (event.sessionId as string | null | undefined) ?? null
      await spool.append({
        lane: sessionId ?? 'events',
        hintBytes,
        useReserve,
        encode: () => {
          const { seq, record } = finished(safe)
          const body = Buffer.from(JSON.stringify(record))
          state.events = { nextSeq: seq + 1, lastHash: hash('sha256', body) }
          onWritten?.()
          return { type: 'event', sessionId, seq, body }
        },
      })
    },
  }
}
