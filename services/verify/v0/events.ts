import { hash } from 'node:crypto'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { hasCode } from '#services/errors.ts'
import { corrupt, footerBytesOf } from '#services/recordings/format/block-footer.ts'
import { sameBytes } from '#services/recordings/format/chain.ts'
import { type EventBlockInfo, parseEventFooter, readEvents } from '#services/recordings/format/event-block.ts'
import { eventBlockKeyOf, eventPrefix } from '#services/recordings/format/evidence-keys.ts'
import { EventBlockFooterSchema } from '#services/schema/generated/block_footer_pb.ts'
import { type Checked, createTally, type Finding } from '../finding.ts'
import type { ReadObject } from '../read-objects.ts'
import { countField } from './count-field.ts'
import type { ContentKeys } from './session.ts'

const maxRecords = 100_000 // the recorder closes a block at 5,000

const finding = (level: Finding['level'], verdict: Finding['verdict'], what: string, key: string, detail: string) => ({
  level,
  verdict,
  what,
  where: { key },
  detail,
})

const parse = (key: string, bytes: Uint8Array): EventBlockInfo | Finding => {
  try {
    const found = footerBytesOf(bytes, 'events')
    const records = 'footer' in found ? countField(found.footer, EventBlockFooterSchema.field.records.number) : 0
    if (records > maxRecords) throw corrupt(`event block: ${records} records`)
    return parseEventFooter(bytes, bytes.byteLength)
  } catch (error) {
    const detail = (error as Error).message
    if (hasCode(error, 'BTZ_EVIDENCE_FORMAT')) return finding('sealed', 'unknown', 'format', key, detail)
    if (hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) return finding('sealed', 'tampered', 'footer', key, detail)
    throw error
  }
}

/** How the writer encodes it, and no other way. */
const isCanonical = (bytes: Uint8Array): boolean => {
  const found = footerBytesOf(bytes, 'events')
  if (!('footer' in found)) return false
  const footer = fromBinary(EventBlockFooterSchema, found.footer, { readUnknownFields: false })
  return sameBytes(toBinary(EventBlockFooterSchema, footer), found.footer)
}

function* checkSealed(key: string, bytes: Uint8Array, info: EventBlockInfo, after: number): Generator<Finding> {
  const { format, busId, topic, partition, firstOffset } = info
  if (eventBlockKeyOf(eventPrefix(busId, topic, partition, format), firstOffset) !== key)
    yield finding('sealed', 'tampered', 'misplaced', key, `it holds record ${firstOffset} of another place`)
  else if (firstOffset <= after)
    yield finding('sealed', 'tampered', 'overlap', key, `records up to ${after} stand in another block, too`)
  if (!sameBytes(hash('sha256', bytes.subarray(0, info.ciphertextBytes), 'buffer'), info.footer.ciphertextSha256))
    yield finding('sealed', 'tampered', 'ciphertext', key, 'the ciphertext does not match the digest in its footer')
  if (!isCanonical(bytes))
    yield finding('sealed', 'tampered', 'footer', key, 'the footer is not encoded as it is written')
}

/** Every record under a key that is there decrypts. One whose key was destroyed says nothing any more, as it should. */
async function* checkContent(key: string, bytes: Uint8Array, { keyOf }: ContentKeys): AsyncGenerator<Finding> {
  const missing: Finding[] = []
  const found = async (keyId: string): Promise<Uint8Array | null> => {
    const answer = await keyOf(keyId)
    if ('key' in answer) return answer.key
    missing.push({ ...finding('content', 'unknown', answer.what, key, answer.detail) })
    return null
  }
  try {
    for await (const _ of readEvents(bytes, found));
  } catch (error) {
    if (!hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) throw error
    yield finding('content', 'tampered', 'record', key, (error as Error).message)
  }
  yield* missing
}

/** The event blocks of one partition, in key order. `keys`: null for level sealed. */
export async function* verifyEvents(
  prefix: string,
  objects: AsyncIterable<ReadObject>,
  keys: ContentKeys | null,
): AsyncGenerator<Finding, Checked> {
  const tally = createTally(prefix, null)
  let lastOffset = -1
  for await (const read of objects) {
    tally.add(read)
    yield* read.findings
    const { key } = read.object
    if (read.bytes === null) continue
    const info = parse(key, read.bytes)
    if ('verdict' in info) {
      yield info
      continue
    }
    let isGood = true
    for (const found of checkSealed(key, read.bytes, info, lastOffset)) {
      yield found
      isGood = false
    }
    lastOffset = Math.max(lastOffset, info.lastOffset)
    if (keys !== null && isGood) yield* checkContent(key, read.bytes, keys)
  }
  return tally.counts()
}
