import { z } from 'zod'
import type { BusRecord } from '#services/bus/bus.ts'
import type { DeadLetterCause } from '#services/dead-letters.ts'
import type { KeyId } from '#services/keys/key-store.ts'
import { dateOf } from '#services/recordings/format/evidence-keys.ts'
import { BastionName, SessionId } from '#services/schema/ids.ts'

/** What the evidence has to know of an event or an alert; all else is stored as it came. */
const Described = z.looseObject({
  id: z.string().min(1).max(128),
  bastion: BastionName.nullish().catch(null),
  sessionId: SessionId.nullish().catch(null),
})

export type HeldEvent = { record: BusRecord; bastion: string; keyId: KeyId }
export type DescribedEvent = { outcome: 'event'; event: HeldEvent } | { outcome: 'poison'; cause: DeadLetterCause }

const utf8 = new TextDecoder('utf-8', { fatal: true })
const noBastion = 'none' // of an alert over several

const poison = (reason: string): DescribedEvent => ({
  outcome: 'poison',
  cause: { code: 'BTZ_REQUEST_INVALID', reason },
})

/** The day is that of the bus: it stays the same however often the record is delivered. */
export const describeEvent = (record: BusRecord): DescribedEvent => {
  let parsed: unknown
  try {
    parsed = JSON.parse(utf8.decode(record.value))
  } catch {
    return poison('not JSON in UTF-8')
  }
  const described = Described.safeParse(parsed)
  if (!described.success) return poison('no object with an id')
  const { sessionId } = described.data
  const bastion = described.data.bastion ?? noBastion
  const keyId: KeyId = sessionId ? `session:${sessionId}` : `bastion:${bastion}:${dateOf(record.timestampMs)}`
  // A copy: a few bytes must not keep a whole read buffer of the bus alive until the block closes.
  return {
    outcome: 'event',
    event: { record: { ...record, value: Uint8Array.from(record.value) }, bastion, keyId },
  }
}
