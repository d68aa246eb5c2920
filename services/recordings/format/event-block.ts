import { Buffer } from 'node:buffer'
import { createHash, hash, type KeyObject, randomBytes } from 'node:crypto'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { BartizanError } from '../../errors.ts'
import {
  type EventBlockFooter,
  EventBlockFooterSchema,
  type EventRecord,
  EventRecordSchema,
} from '../../schema/generated/block_footer_pb.ts'
import { decrypt, deriveKey, encrypt, saltBytes } from './block-cipher.ts'
import { type EventBlockPlace, eventIndex, eventPurpose, recordContext } from './block-context.ts'
import { corrupt, footerBytesOf, trailerBytes, withTrailer } from './block-footer.ts'
import { sameBytes } from './chain.ts'
import { type EvidenceFormat, newestFormat } from './evidence-keys.ts'

export type { EventBlockPlace }

/**
 * A block of events, alerts or console audit: a run of bus records of one partition.
 *
 *   records, one after another, each encrypted by itself   AES-256-GCM, tag at the end of each
 *   footer                                                 protobuf EventBlockFooter, in clear
 *   trailer, 12 bytes                                      length of the footer (u32, big-endian), magic "BTZEVT01" or "BTZEVT00"
 *
 * To each record the list of all of the block is bound, from format 1 on: none can be left out or added.
 */
const compressFromBytes = 1024
const maxRecordBytes = 64 * 1024 * 1024

export type EventToStore = {
  offset: number
  atMs: number // when the bus took it
  keyId: string // services/keys
  /** Null: that key was destroyed; the record keeps its place, its content is not written. */
  key: Uint8Array | null
  value: Uint8Array
}
export type EventBlockInfo = EventBlockPlace & {
  format: EvidenceFormat
  firstOffset: number
  lastOffset: number
  ciphertextBytes: number
  footer: EventBlockFooter
}

const pack = (value: Uint8Array): { packed: Uint8Array; compressed: boolean } => {
  if (value.byteLength < compressFromBytes) return { packed: value, compressed: false }
  const packed = zstdCompressSync(value)
  return packed.byteLength < value.byteLength ? { packed, compressed: true } : { packed: value, compressed: false }
}

const createRecordWriter = (place: EventBlockPlace, salt: Uint8Array, index: string) => {
  const keyIds = new Map<string, { at: number; key: KeyObject | null }>()
  const chunks: Uint8Array[] = []
  const sha256 = createHash('sha256')
  let position = 0
  const keyOf = ({ keyId, key }: EventToStore) => {
    const known = keyIds.get(keyId)
    if (known) return known
    const added = { at: keyIds.size, key: key && deriveKey(key, salt, eventPurpose(newestFormat, keyId)) }
    keyIds.set(keyId, added)
    return added
  }
  const encryptRecord = (key: KeyObject, number: number, { offset, value }: EventToStore) => {
    const { packed, compressed } = pack(value)
    const sealed = encrypt(key, number, recordContext(newestFormat, place, offset, compressed, index), [packed])
    for (const chunk of sealed.chunks) sha256.update(chunk)
    chunks.push(...sealed.chunks)
    return { size: sealed.sizeBytes, compressed }
  }
  const write = (event: EventToStore, number: number): EventRecord => {
    const { at, key } = keyOf(event)
    const sealed = key === null ? { size: 0 } : encryptRecord(key, number, event)
    const record = { offset: BigInt(event.offset), key: at, position: BigInt(position), ...sealed }
    position += sealed.size
    return create(EventRecordSchema, record)
  }
  return { write, keyIds, chunks, sha256 }
}

/** The records, in offset order, as one block. `salt`: 32 random bytes, never used before. */
export const buildEventBlock = (
  place: EventBlockPlace,
  events: readonly EventToStore[],
  salt: Uint8Array = randomBytes(saltBytes),
): Uint8Array => {
  const [first, last] = [events[0], events.at(-1)]
  if (!first || !last) throw new RangeError('an event block without a record')
  const times = { firstAtMs: first.atMs, lastAtMs: last.atMs }
  const writer = createRecordWriter(place, salt, eventIndex(place, times, events))
  const records = events.map(writer.write)
  const footer = create(EventBlockFooterSchema, {
    ...place,
    format: newestFormat,
    firstOffset: BigInt(first.offset),
    lastOffset: BigInt(last.offset),
    firstAtMs: BigInt(first.atMs),
    lastAtMs: BigInt(last.atMs),
    salt,
    ciphertextSha256: writer.sha256.digest(),
    keyIds: [...writer.keyIds.keys()],
    records,
  })
  return Buffer.concat([
    ...writer.chunks,
    withTrailer(toBinary(EventBlockFooterSchema, footer), 'events', newestFormat),
  ])
}

const decodeFooter = (bytes: Uint8Array): EventBlockFooter => {
  try {
    return fromBinary(EventBlockFooterSchema, bytes)
  } catch (cause) {
    throw corrupt('event block: the footer is not an EventBlockFooter', cause)
  }
}

const nameOf = ({ topic, partition, firstOffset }: EventBlockInfo): string =>
  `event block ${topic}/${partition}/${firstOffset}`

const checkRecords = (info: EventBlockInfo): void => {
  const { footer, ciphertextBytes } = info
  const where = nameOf(info)
  let position = 0
  let before = -1n
  for (const record of footer.records) {
    if (record.offset <= before || record.position !== BigInt(position))
      throw corrupt(`${where}: record ${record.offset} does not follow on the one before`)
    if (record.key >= footer.keyIds.length) throw corrupt(`${where}: record ${record.offset} names no key`)
    if (info.format > 0 && record.id !== '') throw corrupt(`${where}: record ${record.offset} has an id in clear`)
    position += record.size
    before = record.offset
  }
  if (position !== ciphertextBytes) throw corrupt(`${where}: records end at ${position}, not at the footer`)
  if (footer.records[0]?.offset !== footer.firstOffset || before !== footer.lastOffset)
    throw corrupt(`${where}: records and offsets differ`)
}

/** The footer out of the last bytes of a block of `sizeBytes`. @throws BTZ_EVIDENCE_CORRUPT BTZ_EVIDENCE_FORMAT */
export const parseEventFooter = (tail: Uint8Array, sizeBytes: number): EventBlockInfo => {
  const found = footerBytesOf(tail, 'events')
  if ('needBytes' in found) throw corrupt(`event block: its footer needs the last ${found.needBytes} bytes`)
  const { format } = found
  const footer = decodeFooter(found.footer)
  if (footer.format !== format) throw new BartizanError('BTZ_EVIDENCE_FORMAT', `event block of format ${footer.format}`)
  const { busId, topic, partition } = footer
  const [firstOffset, lastOffset] = [Number(footer.firstOffset), Number(footer.lastOffset)]
  const ciphertextBytes = sizeBytes - found.footer.byteLength - trailerBytes
  const info = { format, busId, topic, partition, firstOffset, lastOffset, ciphertextBytes, footer }
  checkRecords(info)
  return info
}

export type StoredEvent = { offset: number; keyId: string; value: Uint8Array | null }

const unpack = (packed: Uint8Array, where: string): Uint8Array => {
  try {
    return zstdDecompressSync(packed, { maxOutputLength: maxRecordBytes })
  } catch (cause) {
    throw corrupt(`${where}: does not decompress`, cause)
  }
}

type KeyOf = (keyId: string) => Promise<Uint8Array | null>

const indexOf = ({ footer, ...place }: EventBlockInfo): string => {
  const records = footer.records.map(({ offset, key }) => ({ offset, keyId: footer.keyIds[key]! }))
  return eventIndex(place, footer, records)
}

type OpenedBlock = { block: Uint8Array; info: EventBlockInfo; index: string }

const openRecord = ({ block, info, index }: OpenedBlock, number: number, key: KeyObject): Uint8Array => {
  const { format, footer } = info
  const { offset, id, position, size, compressed } = footer.records[number]!
  const where = `${nameOf(info)}, record ${offset}`
  const sealed = block.subarray(Number(position), Number(position) + size)
  const context = recordContext(format, info, offset, compressed, format === 0 ? id : index)
  const plain = decrypt(key, number, context, sealed)
  if (plain === null) throw corrupt(`${where}: does not decrypt`)
  return compressed ? unpack(plain, where) : plain
}

/**
 * All records of an event block. `keyOf` gives null for a key that was destroyed: the record's value is null then.
 * @throws BTZ_EVIDENCE_CORRUPT BTZ_EVIDENCE_FORMAT saying where
 */
export async function* readEvents(block: Uint8Array, keyOf: KeyOf): AsyncGenerator<StoredEvent> {
  const info = parseEventFooter(block, block.byteLength)
  const { footer } = info
  if (!sameBytes(hash('sha256', block.subarray(0, info.ciphertextBytes), 'buffer'), footer.ciphertextSha256))
    throw corrupt(`${nameOf(info)}: the ciphertext does not match its SHA-256`)
  const keys: (KeyObject | null)[] = []
  for (const keyId of footer.keyIds) {
    const secret = await keyOf(keyId)
    keys.push(secret && deriveKey(secret, footer.salt, eventPurpose(info.format, keyId)))
  }
  const opened = { block, info, index: indexOf(info) }
  for (const [number, { offset, key, size }] of footer.records.entries()) {
    const recordKey = keys[key] ?? null
    const value = recordKey === null || size === 0 ? null : openRecord(opened, number, recordKey)
    yield { offset: Number(offset), keyId: footer.keyIds[key]!, value }
  }
}
