import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { Request } from 'express'
import { BartizanError } from '#services/errors.ts'

/** Of a body, as it is sent and again as it unpacks. */
export const maxBodyBytes = 16 * 1024 * 1024
const maxBodiesAtOnce = 16

const decoderOf = (request: Request) => {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity') return null
  if (encoding === 'gzip') return createGunzip()
  if (encoding === 'zstd') return createZstdDecompress()
  throw new BartizanError('BTZ_REQUEST_INVALID', `content-encoding ${encoding.slice(0, 40)} is not known`, {
    hint: 'send it as it is, or with gzip or zstd',
  })
}

const inParts = 'send it in several requests'
const tooLarge = (limitBytes: number, hint: string) =>
  new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `the body is larger than ${limitBytes} bytes`, { hint })
const cutOff = () => new BartizanError('BTZ_REQUEST_INVALID', 'the body ended before its end')

async function* decoded(
  request: Request,
  decoder: NonNullable<ReturnType<typeof decoderOf>>,
  onSent: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  // Not pipeline(): it would destroy the request, and with it the connection that the answer has to take.
  request.once('close', () => {
    if (!request.complete) decoder.destroy(cutOff())
  })
  request.on('data', (chunk: Buffer) => {
    try {
      onSent(chunk.byteLength)
    } catch (error) {
      decoder.destroy(error as Error)
    }
  })
  request.pipe(decoder)
  try {
    yield* decoder
  } catch (cause) {
    if (cause instanceof BartizanError) throw cause
    throw new BartizanError('BTZ_REQUEST_INVALID', 'the body does not decompress', { cause })
  }
}

async function* plain(request: Request): AsyncGenerator<Buffer> {
  try {
    // destroyOnReturn: false, so that a refused body still gets its answer.
    yield* request.iterator({ destroyOnReturn: false })
  } catch {
    throw cutOff()
  }
}

const counted = (limitBytes: number, hint: string) => {
  let bytes = 0
  return (more: number): void => {
    bytes += more
    if (bytes > limitBytes) throw tooLarge(limitBytes, hint)
  }
}

/**
 * A body as it comes, unpacked. `limitBytes`: as it is sent, and again as it unpacks; `hint`: what to do where it is larger.
 * @throws BTZ_PAYLOAD_TOO_LARGE BTZ_REQUEST_INVALID
 */
export async function* unpackedBody(request: Request, limitBytes: number, hint: string): AsyncGenerator<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes, hint)
  const decoder = decoderOf(request)
  const onUnpacked = counted(limitBytes, hint)
  let isWhole = false
  try {
    const chunks = decoder === null ? plain(request) : decoded(request, decoder, counted(limitBytes, hint))
    for await (const chunk of chunks) {
      onUnpacked(chunk.byteLength)
      yield chunk
    }
    isWhole = true
  } finally {
    // What is still on its way is let through and forgotten: a client that is still sending reads the answer after.
    if (!isWhole) {
      request.unpipe()
      request.resume()
    }
  }
}

/**
 * Reads whole bodies, unpacked, so many at once and no more.
 * @throws BTZ_PAYLOAD_TOO_LARGE BTZ_REQUEST_INVALID BTZ_UNAVAILABLE
 */
export const createBodyReader = () => {
  let reading = 0
  return async (request: Request, limitBytes = maxBodyBytes): Promise<Buffer> => {
    if (reading >= maxBodiesAtOnce) throw new BartizanError('BTZ_UNAVAILABLE', 'too many uploads at once')
    reading++
    try {
      const chunks: Buffer[] = []
      for await (const chunk of unpackedBody(request, limitBytes, inParts)) chunks.push(chunk)
      return Buffer.concat(chunks)
    } finally {
      reading--
    }
  }
}
