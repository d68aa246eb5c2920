import { crc32 } from 'node:zlib'

/**
 * A record of the spool, big-endian:
 *
 *     mark 4 | crc32 4 | bodyBytes 4 | type 1 | zero 1 | position 6 | groupStart 6 | seq 6 | sessionId 16 | body
 *
 * The CRC covers everything after itself. `position` is the place of the record in the whole spool: bytes of another
 * place, or of a segment that was deleted, are never taken for a record. `groupStart` is where the group written by
 * one call begins: all before it was durable when this record was written, which tells a torn tail from damage.
 */
const at = { mark: 0, crc: 4, bodyBytes: 8, type: 12, position: 14, groupStart: 20, seq: 26, sessionId: 32 }
export const headBytes = 48
export const maxBodyBytes = 64 * 1024 * 1024
export const mark = Buffer.from('BzS0')

const types = ['batch', 'event', 'checkpoint'] as const
/** batch: finished bytes of a FrameBatch. event: one JSON event. checkpoint: what a restart needs, not sent. */
export type RecordType = (typeof types)[number]

export type SpoolEntry = {
  type: RecordType
  sessionId: string | null
  seq: number // batchSeq or agentSeq
  body: Uint8Array
}
export type SpoolRecord = SpoolEntry & { position: number; endPosition: number; groupStart: number }

const uuidBytes = (id: string | null): Buffer => Buffer.from(id?.replaceAll('-', '') ?? '', 'hex')
const uuidText = (bytes: Buffer): string | null => {
  const hex = bytes.toString('hex')
  if (/^0+$/.test(hex)) return null
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** The head of a record; its body follows it on disk. */
export const encodeHead = (entry: SpoolEntry, position: number, groupStart: number): Buffer => {
  const head = Buffer.alloc(headBytes)
  mark.copy(head, at.mark)
  head.writeUInt32BE(entry.body.byteLength, at.bodyBytes)
  head.writeUInt8(types.indexOf(entry.type) + 1, at.type)
  head.writeUIntBE(position, at.position, 6)
  head.writeUIntBE(groupStart, at.groupStart, 6)
  head.writeUIntBE(entry.seq, at.seq, 6)
  uuidBytes(entry.sessionId).copy(head, at.sessionId)
  head.writeUInt32BE(crc32(entry.body, crc32(head.subarray(at.bodyBytes))), at.crc)
  return head
}

/** `incomplete`: the buffer ends within the record, which says that it has `recordBytes`. */
export type ParseResult =
  | { kind: 'record'; record: SpoolRecord }
  | { kind: 'incomplete'; recordBytes: number }
  | { kind: 'damaged' }

/** `position`: where in the spool the record at `offset` of the buffer would have to be. The body is not copied. */
export const parseRecord = (buffer: Buffer, offset: number, position: number): ParseResult => {
  const left = buffer.length - offset
  if (left < headBytes) return { kind: 'incomplete', recordBytes: headBytes }
  const head = buffer.subarray(offset, offset + headBytes)
  const bodyBytes = head.readUInt32BE(at.bodyBytes)
  const type = types[head.readUInt8(at.type) - 1]
  const known = type !== undefined && bodyBytes <= maxBodyBytes && head.readUIntBE(at.position, 6) === position
  if (!known || !mark.equals(head.subarray(0, mark.length))) return { kind: 'damaged' }
  const recordBytes = headBytes + bodyBytes
  if (left < recordBytes) return { kind: 'incomplete', recordBytes }
  const covered = buffer.subarray(offset + at.bodyBytes, offset + recordBytes)
  if (crc32(covered) !== head.readUInt32BE(at.crc)) return { kind: 'damaged' }
  const record: SpoolRecord = {
    type,
    sessionId: uuidText(head.subarray(at.sessionId)),
    seq: head.readUIntBE(at.seq, 6),
    body: buffer.subarray(offset + headBytes, offset + recordBytes),
    position,
    endPosition: position + recordBytes,
    groupStart: head.readUIntBE(at.groupStart, 6),
  }
  return { kind: 'record', record }
}
