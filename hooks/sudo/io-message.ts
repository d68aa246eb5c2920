import type { IoBuffer, TimeSpec } from '#services/schema/generated/log_server_pb.ts'

/** Bytes of a stream, as far as anybody asks. */
export type IoSaid = {
  case: 'ttyinBuf' | 'ttyoutBuf' | 'stdinBuf' | 'stdoutBuf' | 'stderrBuf'
  value: Pick<IoBuffer, 'data'> & { delay?: Pick<TimeSpec, 'tvSec' | 'tvNsec'> | undefined }
}

// Tags of length-delimited fields: number << 3 | 2.
const kinds = new Map<number, IoSaid['case']>([
  [0x32, 'ttyinBuf'],
  [0x3a, 'ttyoutBuf'],
  [0x42, 'stdinBuf'],
  [0x4a, 'stdoutBuf'],
  [0x52, 'stderrBuf'],
])
const tag = { delay: 0x0a, data: 0x12, seconds: 0x08, nanoseconds: 0x10 }
const longestVarint = 4 // of what is read here; a length of 2 MiB has four bytes, a delay below 2^28 s as well
const none = Number.NEGATIVE_INFINITY // equals no count of bytes, and is below every number that is one
const nanosecondsLimit = 1_000_000_000

/**
 * Reads a message of bytes as every client writes it: one field in ClientMessage, the delay, then the data, nothing
 * twice, nothing else. Most of all messages are that, and a general decoder costs ten times as much. Null: whatever
 * differs, for the general decoder to judge. The data is a view.
 */
export const readIoMessage = (bytes: Uint8Array): IoSaid | null => {
  const kind = kinds.get(bytes[0]!)
  if (kind === undefined) return null
  let at = 1
  /** `none`: too long, cut off, or not the shortest form. */
  const varint = (limitBytes: number): number => {
    let value = 0
    for (let index = 0; index < limitBytes; index++) {
      const byte = bytes[at++]
      if (byte === undefined) return none
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) return byte === 0 && index > 0 ? none : value
    }
    return none
  }
  const take = (expected: number, limitBytes: number): number => {
    if (bytes[at] !== expected) return 0
    at += 1
    return varint(limitBytes)
  }
  if (varint(longestVarint) !== bytes.byteLength - at) return null
  let delay: IoSaid['value']['delay']
  if (bytes[at] === tag.delay) {
    at += 1
    const length = varint(1)
    const end = at + length
    const seconds = take(tag.seconds, longestVarint)
    const nanoseconds = take(tag.nanoseconds, longestVarint + 1)
    if (seconds < 0 || nanoseconds < 0 || nanoseconds >= nanosecondsLimit || at !== end) return null
    delay = { tvSec: BigInt(seconds), tvNsec: nanoseconds }
  }
  if (bytes[at++] !== tag.data || varint(longestVarint) !== bytes.byteLength - at) return null
  return { case: kind, value: { delay, data: bytes.subarray(at) } }
}
