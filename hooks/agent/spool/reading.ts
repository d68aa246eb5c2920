import { headBytes, type SpoolRecord } from './record.ts'
import { readSegment, type Segment } from './segment.ts'

/** Records in order, and where to go on. `damages`: positions where something could not be read and was passed over. */
export type SpoolChunk = { records: SpoolRecord[]; nextPosition: number; damages: number[] }

const endOf = (segment: Segment): number => segment.base + segment.bytes

/**
 * At least one record, when there is any at or after `position`; more while they fit into `maxBytes`. `segments`: only
 * durable bytes counted. Checkpoints are passed over.
 */
export const readChunk = async (
  segments: readonly Segment[],
  position: number,
  maxBytes: number,
): Promise<SpoolChunk> => {
  const chunk: SpoolChunk = { records: [], nextPosition: position, damages: [] }
  let bytes = 0
  // Copies: a segment grows while it is read, and what came meanwhile was not read.
  const asOfNow = segments.map((segment) => ({ ...segment }))
  for (const segment of asOfNow.filter((each) => endOf(each) > position)) {
    for await (const read of readSegment(segment, Math.max(position, segment.base))) {
      if (read.kind === 'damage') {
        chunk.damages.push(read.position)
        continue
      }
      const { record } = read
      bytes += headBytes + record.body.byteLength
      if (bytes > maxBytes && chunk.records.length > 0) return chunk
      if (record.type !== 'checkpoint') chunk.records.push(record)
      chunk.nextPosition = record.endPosition
    }
    chunk.nextPosition = Math.max(chunk.nextPosition, endOf(segment))
  }
  return chunk
}

/** The records of one session in all segments, in order; what cannot be read is passed over. */
export async function* readOfSession(segments: readonly Segment[], sessionId: string): AsyncGenerator<SpoolRecord> {
  for (const segment of [...segments]) {
    for await (const read of readSegment({ ...segment }, segment.base)) {
      if (read.kind === 'record' && read.record.sessionId === sessionId) yield read.record
    }
  }
}
