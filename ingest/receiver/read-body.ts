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

const tooLarge = (limitBytes: number) =>
  new BartizanError('BTZ_PAYLOAD_TOO_LARGE', `the body is larger than ${limitBytes} bytes`, {
    hint: 'send it in several requests',
  })
const cutOff = () => new BartizanError('BTZ_REQUEST_INVALID', 'the body ended before its end')

const gather = async (source: AsyncIterable<Buffer>, limitBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of source) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > limitBytes) throw tooLarge(limitBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const decoded = async (
  request: Request,
  decoder: NonNullable<ReturnType<typeof decoderOf>>,
  limitBytes: number,
): Promise<Buffer> => {
  // Not pipeline(): it would destroy the request, and with it the connection that the answer has to take.
  request.once('close', () => {
    if (!request.complete) decoder.destroy(cutOff())
  })
  let sentBytes = 0
  request.on('data', (chunk: Buffer) => {
    sentBytes += chunk.byteLength
    if (sentBytes > limitBytes) decoder.destroy(tooLarge(limitBytes))
  })
  request.pipe(decoder)
  try {
    return await gather(decoder, limitBytes)
  } catch (cause) {
    if (cause instanceof BartizanError) throw cause
    throw new BartizanError('BTZ_REQUEST_INVALID', 'the body does not decompress', { cause })
  }
}

const plain = async (request: Request, limitBytes: number): Promise<Buffer> => {
  try {
    // destroyOnReturn: false, so that a refused body still gets its answer.
    return await gather(request.iterator({ destroyOnReturn: false }), limitBytes)
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
  return async (request: Request, limitBytes = maxBodyBytes): Promise<Buffer> => {
    if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes)
    if (reading >= maxBodiesAtOnce) throw new BartizanError('BTZ_UNAVAILABLE', 'too many uploads at once')
    const decoder = decoderOf(request)
    reading++
    try {
      return await (decoder === null ? plain(request, limitBytes) : decoded(request, decoder, limitBytes))
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
