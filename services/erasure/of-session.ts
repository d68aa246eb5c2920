import { z } from 'zod'
import type { BusRecord } from '../bus/bus.ts'
import { decodeBatchHeader } from '../recordings/format/frame-batch.ts'

/** Which records of the bus hold content of a session. */

const named = z.string().nullish().catch(null)
const Named = z.looseObject({ sessionId: named, sessionIds: z.array(z.unknown()).nullish().catch(null), kind: named })
const Entity = z.looseObject({ observed: z.looseObject({ event: Named }) })

const jsonOf = (value: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(value).toString('utf8'))
  } catch {
    return null
  }
}

const isAbout = (json: unknown, sessionId: string): boolean => {
  const found = Named.safeParse(json).data
  if (found === undefined || found.kind === 'access') return false // who watched a session is no content of it
  return found.sessionId === sessionId || (found.sessionIds ?? []).includes(sessionId)
}

const isBatchOf = ({ key, value }: Pick<BusRecord, 'key' | 'value'>, sessionId: string): boolean => {
  if (key === sessionId) return true
  try {
    return decodeBatchHeader(value).sessionId === sessionId
  } catch {
    return false
  }
}

const isOf = (topic: string, record: Pick<BusRecord, 'key' | 'value'>, sessionId: string): boolean => {
  if (topic === 'session-frames') return isBatchOf(record, sessionId)
  const json = jsonOf(record.value)
  if (topic === 'entity-events') return isAbout(Entity.safeParse(json).data?.observed.event, sessionId)
  return isAbout(json, sessionId)
}

/** What cannot be read and mentions the session may hold content of it: then it counts, in a dead letter. */
const isDeadLetterOf = ({ headers, value }: BusRecord, sessionId: string): boolean => {
  const { topic = '', key = '' } = headers
  if (isOf(topic, { key, value }, sessionId)) return true
  return jsonOf(value) === null && Buffer.from(value).includes(sessionId)
}

export const isOfSession =
  (sessionId: string) =>
  (record: BusRecord): boolean =>
    record.topic === 'dead-letters' ? isDeadLetterOf(record, sessionId) : isOf(record.topic, record, sessionId)

/** Dead letters too: they hold what could not be read, as it came. */
export const topicsWithContent = [
  'session-frames',
  'session-events',
  'alerts',
  'entity-events',
  'dead-letters',
] as const
