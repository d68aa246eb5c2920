import { BartizanError } from '../../errors.ts'

/** Names of evidence. Every name can be derived from what is inside, so that a renamed object is found out. */

/** 1 is frozen: docs/evidence-format.md. 0 is read, and sessions that began in it are ended in it. */
export type EvidenceFormat = 0 | 1
export const newestFormat: EvidenceFormat = 1
export const evidenceFormats: readonly EvidenceFormat[] = [newestFormat, 0]

const seqDigits = 12
const offsetDigits = 20
const manifestDigits = 4
export const maxBatchSeq = 10 ** seqDigits - 1
export const maxAtMs = Date.UTC(10_000, 0, 1) - 1 // beyond it ISO dates grow a sign, and keys would not sort

/** UTC date of a wall clock: `2026-01-31`. @throws BTZ_EVIDENCE_FORMAT outside the years 1970 to 9999 */
export const dateOf = (atMs: number): string => {
  if (!Number.isSafeInteger(atMs) || atMs < 0 || atMs > maxAtMs) {
    throw new BartizanError('BTZ_EVIDENCE_FORMAT', `a time of ${atMs} ms has no evidence key`)
  }
  return new Date(atMs).toISOString().slice(0, 10)
}

/** Of a key or a prefix: what stands there is of this format. @throws BTZ_EVIDENCE_FORMAT for what is no name of evidence */
export const formatOf = (key: string): EvidenceFormat => {
  if (key.startsWith('evidence/v1/')) return 1
  if (key.startsWith('evidence/v0/')) return 0
  throw new BartizanError('BTZ_EVIDENCE_FORMAT', `${JSON.stringify(key.slice(0, 100))} is no name of evidence`)
}

/** All evidence of a session: `date` is the UTC date of its batch 0. */
export const sessionPrefix = (date: string, sessionId: string, format: EvidenceFormat = newestFormat): string =>
  `evidence/v${format}/${date}/${sessionId}/`

export const blockKeyOf = (prefix: string, firstSeq: number): string =>
  `${prefix}${String(firstSeq).padStart(seqDigits, '0')}`

export const manifestKeyOf = (prefix: string, number: number): string =>
  `${prefix}manifest-${String(number).padStart(manifestDigits, '0')}`

export type SessionKey =
  | { kind: 'block'; prefix: string; firstSeq: number }
  | { kind: 'manifest'; prefix: string; number: number }

const sessionKeyForm = /^(evidence\/v[01]\/\d{4}-\d\d-\d\d\/[0-9a-f-]{36}\/)(?:(\d{12})|manifest-(\d{4}))$/

/** What a key under a session's prefix names; null for anything else. */
export const parseSessionKey = (key: string): SessionKey | null => {
  const [, prefix, seq, number] = sessionKeyForm.exec(key) ?? []
  if (prefix === undefined) return null
  if (seq !== undefined) return { kind: 'block', prefix, firstSeq: Number(seq) }
  return { kind: 'manifest', prefix, number: Number(number) }
}

export const eventPrefix = (
  busId: string,
  topic: string,
  partition: number,
  format: EvidenceFormat = newestFormat,
): string => `evidence/v${format}/events/${busId}/${topic}/${partition}/`

export const eventBlockKeyOf = (prefix: string, firstOffset: number): string =>
  `${prefix}${String(firstOffset).padStart(offsetDigits, '0')}`

const eventKeyForm = /^(evidence\/v[01]\/events\/[A-Za-z0-9_-]{1,200}\/[a-z-]{1,200}\/\d{1,10}\/)\d{20}$/

/** The prefix of the partition that a block of events belongs to; null for any other key. */
export const eventPrefixOf = (key: string): string | null => eventKeyForm.exec(key)?.[1] ?? null
