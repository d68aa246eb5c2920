import { z } from 'zod'
import type { Bus, NewRecord } from '#services/bus/bus.ts'
import { BartizanError } from '#services/errors.ts'
import { SessionEvent } from '#services/schema/session-event.ts'
import type { EventsAnswer } from '#services/schema/uplink.ts'
import type { Sender } from './sender.ts'

const maxLines = 10_000
const maxLineBytes = 1024 * 1024
const maxReasonLength = 500
const newline = 0x0a
const utf8 = new TextDecoder('utf-8', { fatal: true })

type Line = { number: number; bytes: Buffer }
type Read = { outcome: 'event'; id: string; record: NewRecord } | { outcome: 'rejected'; reason: string }

/** Lines that are not blank, counted from 1. @throws BTZ_PAYLOAD_TOO_LARGE */
const linesOf = (body: Buffer): Line[] => {
  const lines: Line[] = []
  for (let start = 0, number = 1; start < body.byteLength; number++) {
    const found = body.indexOf(newline, start)
    const end = found < 0 ? body.byteLength : found
    const bytes = body.subarray(start, end)
    if (bytes.some((byte) => byte > 0x20)) lines.push({ number, bytes })
    if (lines.length > maxLines)
      throw new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `more than ${maxLines} events in one request`)
    start = end + 1
  }
  return lines
}

const rejected = (reason: string): Read => ({ outcome: 'rejected', reason: reason.slice(0, maxReasonLength) })

const parse = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    return undefined
  }
}

/**
 * The event keeps its own keys in their order: whoever takes `receivedAt` off again has the bytes that the agent's
 * chain of hashes is over.
 */
const read = (bytes: Buffer, sender: Sender, receivedAt: string | null): Read => {
  if (bytes.byteLength > maxLineBytes) return rejected(`a line of ${bytes.byteLength} bytes, at most ${maxLineBytes}`)
  const parsed = parse(bytes)
  if (parsed === undefined) return rejected('not JSON in UTF-8')
  const event = SessionEvent.safeParse(parsed)
  if (!event.success) return rejected(z.prettifyError(event.error))
  const { id, bastion } = event.data
  if (!sender.mayWriteFor(bastion)) return rejected(`the token may not write for bastion ${bastion}`)
  const value = receivedAt === null ? bytes : Buffer.from(JSON.stringify({ ...(parsed as object), receivedAt }))
  return { outcome: 'event', id, record: { topic: 'session-events', key: bastion, value, headers: { id } } }
}

/** Answers when the bus holds the events durably. `nowMs`: null leaves them as they are. @throws BTZ_UNAVAILABLE BTZ_DISK_FULL BTZ_PAYLOAD_TOO_LARGE */
export const takeEvents = async (
  bus: Pick<Bus, 'produce'>,
  sender: Sender,
  body: Buffer,
  nowMs: number | null,
): Promise<EventsAnswer> => {
  const receivedAt = nowMs === null ? null : new Date(nowMs).toISOString()
  const answer: EventsAnswer = { accepted: 0, duplicates: 0, rejected: [] }
  const records = new Map<string, NewRecord>()
  for (const { number, bytes } of linesOf(body)) {
    const line = read(bytes, sender, receivedAt)
    if (line.outcome === 'rejected') answer.rejected.push({ line: number, reason: line.reason })
    else if (records.has(line.id)) answer.duplicates++
    else records.set(line.id, line.record)
  }
  if (records.size > 0) await bus.produce([...records.values()])
  answer.accepted = records.size
  return answer
}
