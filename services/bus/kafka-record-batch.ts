import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { BartizanError } from '../errors.ts'
import type { BusRecord, TopicPartition } from './bus.ts'
import { createWireReader, type WireReader } from './kafka-wire.ts'

/** Where fields of a record batch (magic 2) are: kafka.apache.org/documentation/#recordbatch */
const at = { length: 8, magic: 16, attributes: 21, lastOffsetDelta: 23, baseTimestamp: 27, maxTimestamp: 35, count: 57 }
const headBytes = 61
const lengthEnd = 12
const codecs = { none: 0, gzip: 1, zstd: 4 }
const attribute = { codec: 0x07, logAppendTime: 0x08, control: 0x20 }

const maxHeaders = 1_000
const keptBytes = 64 * 1024
export const undecodableHeader = 'bartizan-undecodable'

const gunzipAsync = promisify(gunzip)
const zstdAsync = promisify(zstdDecompress)

/** @throws when it would become larger than `maxBytes`: whoever may write to a topic could send a bomb */
const decompress = (codec: number, content: Buffer, maxBytes: number): Buffer | Promise<Buffer> => {
  const limit = { maxOutputLength: maxBytes }
  if (codec === codecs.none) return content
  if (codec === codecs.zstd) return zstdAsync(content, limit)
  if (codec === codecs.gzip) return gunzipAsync(content, limit)
  throw new Error(`compression ${codec} is not known here`)
}

const readHeaders = (record: WireReader): Record<string, string> => {
  const count = record.varint()
  if (count < 0 || count > maxHeaders) throw new Error(`${count} headers`)
  // From entries: a header named __proto__ is one like any other.
  return Object.fromEntries(
    Array.from({ length: count }, () => [
      record.varintBytes()?.toString('utf8') ?? '',
      record.varintBytes()?.toString('utf8') ?? '',
    ]),
  )
}

type Place = TopicPartition & { baseOffset: number; lastOffset: number; timestampMs(delta: number): number }

const readRecord = (
  record: WireReader,
  { topic, partition, baseOffset, lastOffset, timestampMs }: Place,
): BusRecord => {
  record.skip(1)
  const takenMs = timestampMs(record.varlong())
  const offset = baseOffset + record.varint()
  if (offset < baseOffset || offset > lastOffset) throw new RangeError(`offset ${offset} is not one of the batch`)
  const key = record.varintBytes()?.toString('utf8') ?? ''
  // Own memory: holding one record does not hold its whole answer, changing it harms no other group.
  const value = Buffer.from(record.varintBytes() ?? [])
  return { topic, partition, offset, key, value, headers: readHeaders(record), timestampMs: takenMs }
}

const readRecords = (content: Buffer, count: number, place: Place): BusRecord[] => {
  const reader = createWireReader(content)
  const records: BusRecord[] = []
  for (let left = count; left > 0; left--) {
    const record = reader.varintBytes()
    if (record === null) throw new RangeError('a record without a length')
    records.push(readRecord(createWireReader(record), place))
  }
  return records
}

const placeOf = (batch: Buffer, where: TopicPartition): Place => {
  const attributes = batch.readInt16BE(at.attributes)
  const baseOffset = Number(batch.readBigInt64BE(0))
  const baseMs = Number(batch.readBigInt64BE(at.baseTimestamp))
  const maxMs = Number(batch.readBigInt64BE(at.maxTimestamp))
  const isAppendTime = (attributes & attribute.logAppendTime) !== 0
  return {
    ...where,
    baseOffset,
    lastOffset: baseOffset + batch.readInt32BE(at.lastOffsetDelta),
    timestampMs: (delta) => (isAppendTime ? maxMs : baseMs + delta),
  }
}

/** Stands for a batch that nobody can read, so that it is put aside like any other bad record instead of holding up its partition. */
const undecodable = (
  batch: Buffer,
  { topic, partition, lastOffset, timestampMs }: Place,
  error: unknown,
): BusRecord => ({
  topic,
  partition,
  offset: lastOffset,
  key: '',
  value: Buffer.from(batch.subarray(0, keptBytes)),
  headers: { [undecodableHeader]: error instanceof Error ? error.message : String(error) },
  timestampMs: timestampMs(0),
})

export type DecodedBatches = {
  records: BusRecord[]
  /** After the last whole batch; null when there was none. */
  nextOffset: number | null
}

const readBatch = async (batch: Buffer, place: Place, maxBytes: number): Promise<BusRecord[]> => {
  const attributes = batch.readInt16BE(at.attributes)
  if ((attributes & attribute.control) !== 0) return []
  try {
    if (batch[at.magic] !== 2) throw new Error(`record format ${batch[at.magic]}`)
    const content = await decompress(attributes & attribute.codec, batch.subarray(headBytes), maxBytes)
    return readRecords(content, batch.readInt32BE(at.count), place)
  } catch (error) {
    return [undecodable(batch, place, error)]
  }
}

const isWhole = ({ baseOffset, lastOffset }: Place): boolean =>
  Number.isSafeInteger(baseOffset) && Number.isSafeInteger(lastOffset) && baseOffset >= 0 && lastOffset >= baseOffset

/**
 * The records of an answer's batches, from `fromOffset` on. The last batch may be cut off: it comes whole with the next answer.
 * The CRC is not looked at: brokers check it when they take a batch, and what is in it carries hashes of its own.
 * @throws BTZ_BUS_CORRUPT when the head of a batch, which the broker writes, makes no sense
 */
export const decodeBatches = async (
  content: Buffer,
  where: TopicPartition,
  fromOffset: number,
  maxBatchBytes: number,
): Promise<DecodedBatches> => {
  const records: BusRecord[] = []
  let nextOffset: number | null = null
  let from = 0
  while (content.length - from >= headBytes) {
    const bytes = lengthEnd + content.readInt32BE(from + at.length)
    if (bytes < headBytes || from + bytes > content.length) break
    const batch = content.subarray(from, from + bytes)
    const place = placeOf(batch, where)
    if (!isWhole(place)) {
      const what = `${where.topic}/${where.partition} from offset ${nextOffset ?? fromOffset} on: damaged on its broker`
      throw new BartizanError('BTZ_BUS_CORRUPT', what, { hint: 'let another copy of the partition lead' })
    }
    for (const record of await readBatch(batch, place, maxBatchBytes))
      if (record.offset >= fromOffset) records.push(record)
    nextOffset = place.lastOffset + 1
    from += bytes
  }
  return { records, nextOffset }
}
