import { BartizanError } from '#services/errors.ts'

/** sudo_logsrv.proto(5): a server takes messages of up to two megabytes. */
export const maxFrameBytes = 2 * 1024 * 1024
const headerBytes = 4
const smallBytes = 1024
const slabBytes = 16 * 1024

const lengthRefused = (length: number): BartizanError =>
  new BartizanError('BTZ_SUDO_PROTOCOL', length === 0 ? 'a message of no bytes' : `a message of ${length} bytes`, {
    hint: 'a TLS client on the plain port looks like this too: name the server without (tls) in log_servers',
  })

/**
 * Cuts a byte stream into messages (u32 big-endian length, then the message). Chunks are kept as they came and joined
 * once per message, so a message in many pieces does not cost the square of its size; pieces of few bytes are gathered
 * in slabs, so that they do not cost a hundred times their size either.
 */
export type FrameReader = {
  push(chunk: Buffer): void
  /** The next whole message, a view where it lay in one chunk; null when more bytes are needed. @throws BTZ_SUDO_PROTOCOL */
  next(): Uint8Array | null
  /** Received and not yet given out. */
  readonly bufferedBytes: number
}

export const createFrameReader = (): FrameReader => {
  const chunks: Buffer[] = [] // the first one is read from `offset` on
  let offset = 0
  let bufferedBytes = 0
  let expected: number | null = null // length of the message whose header was read
  let slab = Buffer.alloc(0) // room behind the last chunk, when that is one of ours
  let slabUsed = 0

  const append = (chunk: Buffer): void => {
    if (chunks.length === 0 || chunk.length >= smallBytes) {
      slab = Buffer.alloc(0)
      slabUsed = 0
      chunks.push(chunk)
      return
    }
    if (slab.length - slabUsed < chunk.length) {
      slab = Buffer.allocUnsafeSlow(slabBytes)
      slabUsed = 0
      chunks.push(slab.subarray(0, 0))
    }
    slab.set(chunk, slabUsed)
    slabUsed += chunk.length
    chunks[chunks.length - 1] = slab.subarray(0, slabUsed)
  }

  const take = (size: number): Buffer => {
    bufferedBytes -= size
    const first = chunks[0]!
    if (first.length - offset > size) {
      offset += size
      return first.subarray(offset - size, offset)
    }
    const parts: Buffer[] = []
    for (let missing = size; missing > 0; ) {
      const chunk = chunks[0]!
      const part = chunk.subarray(offset, offset + missing)
      parts.push(part)
      missing -= part.length
      offset += part.length
      if (offset === chunk.length) {
        chunks.shift()
        offset = 0
      }
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts, size)
  }

  return {
    push: (chunk) => {
      if (chunk.length === 0) return
      append(chunk)
      bufferedBytes += chunk.length
    },
    next: () => {
      if (expected === null) {
        if (bufferedBytes < headerBytes) return null
        const length = take(headerBytes).readUInt32BE()
        if (length === 0 || length > maxFrameBytes) throw lengthRefused(length)
        expected = length
      }
      if (bufferedBytes < expected) return null
      const size = expected
      expected = null
      return take(size)
    },
    get bufferedBytes() {
      return bufferedBytes + (expected === null ? 0 : headerBytes)
    },
  }
}

/** One message with its length before it. */
export const frame = (message: Uint8Array): Buffer => {
  const framed = Buffer.allocUnsafe(headerBytes + message.byteLength)
  framed.writeUInt32BE(message.byteLength)
  framed.set(message, headerBytes)
  return framed
}
