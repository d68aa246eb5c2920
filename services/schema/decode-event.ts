import { SessionEvent } from './session-event.ts'

/** `reason` names members and rules, nothing of what the record says. */
export type DecodedEvent = { event: SessionEvent } | { reason: string }

export const decodeEvent = (value: Uint8Array): DecodedEvent => {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value))
  } catch {
    return { reason: 'not JSON' }
  }
  const result = SessionEvent.safeParse(parsed)
  if (result.success) return { event: result.data }
  return { reason: result.error.issues.map(({ path, code }) => `${path.join('.')}: ${code}`).join(', ') }
}
