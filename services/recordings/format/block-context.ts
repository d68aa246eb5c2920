import { createHash } from 'node:crypto'
import type { EvidenceFormat } from './evidence-keys.ts'

/**
 * What keys are derived for, and what is bound to a ciphertext without being stored. Whatever stands in another place,
 * block or session than it was written for does not decrypt. All of it is text of lines: no two meanings share a text.
 */

/** Info of HKDF for the key of a block's frames. */
export const blockPurpose = (format: EvidenceFormat, sessionId: string): string =>
  format === 0 ? `bartizan block v0${sessionId}` : `bartizan block v1\n${sessionId}\n`

/** Info of HKDF for the key that vouches for a footer; from format 1 on. */
export const footerPurpose = (sessionId: string): string => `bartizan footer v1\n${sessionId}\n`

export type FramePlace = { firstSeq: number; batchCount: number; compressed: boolean }

/** AAD of the frame with this number. */
export const frameContext = (
  format: EvidenceFormat,
  sessionId: string,
  number: number,
  { firstSeq, batchCount, compressed }: FramePlace,
): string => `bartizan frame v${format}\n${sessionId}\n${number}\n${firstSeq}\n${batchCount}\n${compressed ? 1 : 0}\n`

export type EventBlockPlace = { busId: string; topic: string; partition: number }

/** Info of HKDF for one of the keys of a block of events. */
export const eventPurpose = (format: EvidenceFormat, keyId: string): string =>
  format === 0 ? `bartizan event block v0${keyId}` : `bartizan event block v1\n${keyId}\n`

type Times = { firstAtMs: number | bigint; lastAtMs: number | bigint }

/** SHA-256, hex, over the place of a block and the list of its records: bound to each of them, none can be left out. */
export const eventIndex = (
  { busId, topic, partition }: EventBlockPlace,
  { firstAtMs, lastAtMs }: Times,
  records: Iterable<{ offset: number | bigint; keyId: string }>,
): string => {
  const index = createHash('sha256')
  index.update(`bartizan event index v1\n${busId}\n${topic}\n${partition}\n${firstAtMs}\n${lastAtMs}\n`)
  for (const { offset, keyId } of records) index.update(`${offset} ${keyId}\n`)
  return index.digest('hex')
}

/** AAD of a record. `last`: of format 1 the index of its block, of format 0 the id of the event. */
export const recordContext = (
  format: EvidenceFormat,
  { busId, topic, partition }: EventBlockPlace,
  offset: number | bigint,
  compressed: boolean,
  last: string,
): string =>
  `bartizan event v${format}\n${busId}\n${topic}\n${partition}\n${offset}\n${compressed ? 1 : 0}\n${last}${format === 0 ? '' : '\n'}`
