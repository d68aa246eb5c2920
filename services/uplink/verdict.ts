import { BatchesAnswer, EventsAnswer } from '../schema/uplink.ts'
import type { Answer } from './receiver-client.ts'

/** `seq`: batchSeq, or agentSeq of an event. */
export type Sendable = {
  type: 'batch' | 'event' | 'checkpoint'
  sessionId: string | null
  seq: number
  body: Uint8Array
}
export type Rejected = { record: Sendable; reason: string }

/**
 * taken: all of it has arrived, but for what can never be taken. split: it may take parts. retry: later.
 */
export type Verdict =
  | { kind: 'taken'; rejected: Rejected[] }
  | { kind: 'split'; why: string }
  | { kind: 'retry'; why: string }

const taken = (rejected: Rejected[]): Verdict => ({ kind: 'taken', rejected })
const retry = (why: string): Verdict => ({ kind: 'retry', why })

const detailOf = (body: unknown): string => {
  const detail = (body as { detail?: unknown } | null)?.detail
  return typeof detail === 'string' ? `: ${detail.slice(0, 300)}` : ''
}

/** What an answer other than 200 means. */
const refusal = ({ status, body }: Answer): Verdict => {
  const why = `the receiver answered ${status}${detailOf(body)}`
  return status === 400 || status === 413 || status === 422 ? { kind: 'split', why } : retry(why)
}

export const judgeBatches = (sent: readonly Sendable[], answer: Answer): Verdict => {
  if (answer.status !== 200) return refusal(answer)
  const parsed = BatchesAnswer.safeParse(answer.body)
  if (!parsed.success) return retry('the answer of the receiver makes no sense')
  const { sessions, rejected } = parsed.data
  const refused = new Map(rejected.map(({ index, code, reason }) => [index, `${code}: ${reason}`]))
  const durable = new Map<string, number>(sessions.map(({ sessionId, durableSeq }) => [sessionId, durableSeq]))
  const isTaken = ({ sessionId, seq }: Sendable, index: number): boolean =>
    refused.has(index) || (durable.get(sessionId ?? '') ?? -1) >= seq
  if (!sent.every(isTaken)) return retry('the receiver did not say of every batch that it is durable')
  return taken(sent.flatMap((record, index) => (refused.has(index) ? [{ record, reason: refused.get(index)! }] : [])))
}

export const judgeEvents = (sent: readonly Sendable[], answer: Answer): Verdict => {
  if (answer.status !== 200) return refusal(answer)
  const parsed = EventsAnswer.safeParse(answer.body)
  if (!parsed.success) return retry('the answer of the receiver makes no sense')
  const { accepted, duplicates, rejected } = parsed.data
  if (accepted + duplicates + rejected.length !== sent.length) return retry('the receiver did not count every event')
  return taken(rejected.flatMap(({ line, reason }) => (sent[line - 1] ? [{ record: sent[line - 1]!, reason }] : [])))
}
