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
import { corrupt, footerBytesOf, trailerBytes, withTrailer } from './block-footer.ts'
import { sameBytes } from './chain.ts'

/**
 * A block of events, alerts or console audit: a run of bus records of one partition.
 *
 *   records, one after another, each encrypted by itself   AES-256-GCM, tag at the end of each
 *   footer                                                 protobuf EventBlockFooter, in clear
 *   trailer, 12 bytes                                      length of the footer (u32, big-endian), magic "BTZEVT00"
 */
export const eventBlockMagic = Buffer.from('BTZEVT00')
const compressFromBytes = 1024
const maxRecordBytes = 64 * 1024 * 1024

export type EventBlockPlace = { busId: string; topic: string; partition: number }
export type EventToStore = {
  offset: number
  atMs: number // when the bus took it
  id: string
  keyId: string // services/keys
  /** Null: that key was destroyed; the record keeps its place, its content is not written. */
  key: Uint8Array | null
  value: Uint8Array
}
export type EventBlockInfo = EventBlockPlace & {
  firstOffset: number
  lastOffset: number
  ciphertextBytes: number
  footer: EventBlockFooter
}

const recordContext = ({ busId, topic, partition }: EventBlockPlace, offset: number, id: string, compressed: boolean) =>
  `bartizan event v0\n${busId}\n${topic}\n${partition}\n${offset}\n${compressed ? 1 : 0}\n${id}`
const purposeOf = (keyId: string): string => `bartizan event block v0${keyId}`

const pack = (value: Uint8Array): { packed: Uint8Array; compressed: boolean } => {
  if (value.byteLength < compressFromBytes) return { packed: value, compressed: false }
  const packed = zstdCompressSync(value)
  return packed.byteLength < value.byteLength ? { packed, compressed: true } : { packed: value, compressed: false }
}

const createRecordWriter = (place: EventBlockPlace, salt: Uint8Array) => {
  const keyIds = new Map<string, { index: number; key: KeyObject | null }>()
  const chunks: Uint8Array[] = []
  const sha256 = createHash('sha256')
  let position = 0
  const keyOf = ({ keyId, key }: EventToStore) => {
    const known = keyIds.get(keyId)
    if (known) return known
    const added = { index: keyIds.size, key: key && deriveKey(key, salt, purposeOf(keyId)) }
    keyIds.set(keyId, added)
    return added
  }
  const encryptRecord = (key: KeyObject, number: number, { offset, id, value }: EventToStore) => {
    const { packed, compressed } = pack(value)
    const sealed = encrypt(key, number, recordContext(place, offset, id, compressed), [packed])
    for (const chunk of sealed.chunks) sha256.update(chunk)
    chunks.push(...sealed.chunks)
    return { size: sealed.sizeBytes, compressed }
  }
  const write = (event: EventToStore, number: number): EventRecord => {
    const { index, key } = keyOf(event)
    const sealed = key === null ? { size: 0 } : encryptRecord(key, number, event)
    const { offset, id } = event
    const record = { offset: BigInt(offset), id, key: index, position: BigInt(position), ...sealed }
    position += sealed.size
    return create(EventRecordSchema, record)
  }
  return { write, keyIds, chunks, sha256 }
}

/** The records, in offset order, as one block. */
export const buildEventBlock = (place: EventBlockPlace, events: readonly EventToStore[]): Uint8Array => {
  const [first, last] = [events[0], events.at(-1)]
  if (!first || !last) throw new RangeError('an event block without a record')
  const salt = randomBytes(saltBytes)
  const writer = createRecordWriter(place, salt)
  const records = events.map(writer.write)
  const footer = create(EventBlockFooterSchema, {
    ...place,
    format: 0,
    firstOffset: BigInt(first.offset),
    lastOffset: BigInt(last.offset),
    firstAtMs: BigInt(first.atMs),
    lastAtMs: BigInt(last.atMs),
    salt,
    ciphertextSha256: writer.sha256.digest(),
    keyIds: [...writer.keyIds.keys()],
    records,
  })
  return Buffer.concat([...writer.chunks, withTrailer(toBinary(EventBlockFooterSchema, footer), eventBlockMagic)])
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
    position += record.size
    before = record.offset
  }
  if (position !== ciphertextBytes) throw corrupt(`${where}: records end at ${position}, not at the footer`)
  if (footer.records[0]?.offset !== footer.firstOffset || before !== footer.lastOffset)
    throw corrupt(`${where}: records and offsets differ`)
}

/** The footer out of the last bytes of a block of `sizeBytes`. @throws BTZ_EVIDENCE_CORRUPT BTZ_EVIDENCE_FORMAT */
export const parseEventFooter = (tail: Uint8Array, sizeBytes: number): EventBlockInfo => {
  const found = footerBytesOf(tail, eventBlockMagic)
  if ('needBytes' in found) throw corrupt(`event block: its footer needs the last ${found.needBytes} bytes`)
  const footer = decodeFooter(found.footer)
  if (footer.format !== 0) throw new BartizanError('BTZ_EVIDENCE_FORMAT', `event block of format ${footer.format}`)
  const { busId, topic, partition } = footer
  const [firstOffset, lastOffset] = [Number(footer.firstOffset), Number(footer.lastOffset)]
  const ciphertextBytes = sizeBytes - found.footer.byteLength - trailerBytes
  const info = { busId, topic, partition, firstOffset, lastOffset, ciphertextBytes, footer }
  checkRecords(info)
  return info
}

export type StoredEvent = { offset: number; id: string; keyId: string; value: Uint8Array | null }

const unpack = (packed: Uint8Array, where: string): Uint8Array => {
  try {
    return zstdDecompressSync(packed, { maxOutputLength: maxRecordBytes })
  } catch (cause) {
    throw corrupt(`${where}: does not decompress`, cause)
  }
}

type KeyOf = (keyId: string) => Promise<Uint8Array | null>

const openRecord = (block: Uint8Array, info: EventBlockInfo, number: number, key: KeyObject): Uint8Array => {
  const { offset, id, position, size, compressed } = info.footer.records[number]!
  const where = `${nameOf(info)}, record ${offset}`
  const sealed = block.subarray(Number(position), Number(position) + size)
  const plain = decrypt(key, number, recordContext(info, Number(offset), id, compressed), sealed)
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
    keys.push(secret && deriveKey(secret, footer.salt, purposeOf(keyId)))
  }
  for (const [number, { offset, id, key, size }] of footer.records.entries()) {
    const recordKey = keys[key] ?? null
    const value = recordKey === null || size === 0 ? null : openRecord(block, info, number, recordKey)
    yield { offset: Number(offset), id, keyId: footer.keyIds[key]!, value }
  }
}
