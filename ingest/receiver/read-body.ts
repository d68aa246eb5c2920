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

const tooLarge = () =>
  new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `the body is larger than ${maxBodyBytes} bytes`, {
    hint: 'send it in several requests',
  })
const cutOff = () => new BartizanError('BTZ_REQUEST_INVALID', 'the body ended before its end')

const gather = async (source: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of source) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > maxBodyBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const decoded = async (request: Request, decoder: NonNullable<ReturnType<typeof decoderOf>>): Promise<Buffer> => {
  // Not pipeline(): it would destroy the request, and with it the connection that the answer has to take.
  request.once('close', () => {
    if (!request.complete) decoder.destroy(cutOff())
  })
  let sentBytes = 0
  request.on('data', (chunk: Buffer) => {
    sentBytes += chunk.byteLength
    if (sentBytes > maxBodyBytes) decoder.destroy(tooLarge())
  })
  request.pipe(decoder)
  try {
    return await gather(decoder)
  } catch (cause) {
    if (cause instanceof BartizanError) throw cause
    throw new BartizanError('BTZ_REQUEST_INVALID', 'the body does not decompress', { cause })
  }
}

const plain = async (request: Request): Promise<Buffer> => {
  try {
    // destroyOnReturn: false, so that a refused body still gets its answer.
    return await gather(request.iterator({ destroyOnReturn: false }))
  } catch (cause) {
    throw cause instanceof BartizanError ? cause : cutOff()
  }
}

/**
 * Reads whole bodies, unpacked, so many at once and no more.
 * @throws BTZ_PAYLOAD_TOO_LARGE BTZ_REQUEST_INVALID BTZ_UNAVAILABLE
 */
export const createBodyReader = () => {
  let reading = 0
  return async (request: Request): Promise<Buffer> => {
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge()
    if (reading >= maxBodiesAtOnce) throw new BartizanError('BTZ_UNAVAILABLE', 'too many uploads at once')
    const decoder = decoderOf(request)
    reading++
    try {
      return await (decoder === null ? plain(request) : decoded(request, decoder))
    } catch (error) {
      // What is still on its way is let through and forgotten: a client that is still sending reads the answer after.
      request.unpipe()
      request.resume()
      throw error
    } finally {
      reading--
    }
  }
}
export type BodyReader = ReturnType<typeof createBodyReader>
