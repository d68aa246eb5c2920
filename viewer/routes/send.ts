import type { ServerResponse } from 'node:http'
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip, createZstdCompress } from 'node:zlib'
import type { Request, Response } from 'express'

/** Many small strings become few writes. */
async function* joined(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let held = ''
  for await (const piece of pieces) {
    held += piece
    if (held.length < 64 * 1024) continue
    yield held
    held = ''
  }
  if (held) yield held
}

export const send = (response: Response, pieces: AsyncIterable<string>): Promise<void> =>
  pipeline(Readable.from(joined(pieces), { objectMode: false }), response)

// Half of the time of level 6, for a tenth more bytes of terminal output.
const gzipLevel = 4

/** Ends an answer whose reader takes nothing for as long; one that waits for what is to be sent is left alone. */
export const cutWhenStuck = (response: ServerResponse, stuckMs: number): void => {
  response.setTimeout(stuckMs, () => {
    if (response.writableLength > 0) response.destroy()
  })
}

const encoderFor = (request: Request): { name: string; encoder: Transform } | null => {
  if (request.acceptsEncodings('zstd') !== false)
    return { name: 'zstd', encoder: createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } }) }
  if (request.acceptsEncodings('gzip') !== false) return { name: 'gzip', encoder: createGzip({ level: gzipLevel }) }
  return null
}

/** Compressed where the client takes that: terminal output becomes a fifth to a tenth. */
export const sendEncoded = async (
  request: Request,
  response: Response,
  pieces: AsyncIterable<string>,
): Promise<void> => {
  response.vary('Accept-Encoding')
  const encoding = encoderFor(request)
  if (!encoding) return send(response, pieces)
  response.setHeader('Content-Encoding', encoding.name)
  await pipeline(Readable.from(joined(pieces), { objectMode: false }), encoding.encoder, response)
}

export async function* oneText(text: string): AsyncGenerator<string> {
  yield text
}
