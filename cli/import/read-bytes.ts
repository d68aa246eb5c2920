import { createReadStream } from 'node:fs'
import { pipeline, Readable } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { diskError } from '#services/disk-error.ts'
import { BartizanError } from '#services/errors.ts'

/** Bytes of a file or of standard input (`-`), unpacked where it is gzip or zstd; memory does not grow with it. */

const gzipMagic = Buffer.from([0x1f, 0x8b])
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

export const unreadable = (file: string, cause: unknown): unknown =>
  cause instanceof BartizanError
    ? cause
    : new BartizanError('BTZ_IMPORT_FAILED', `${file} cannot be read: ${(diskError(cause, file) as Error).message}`, {
        cause,
      })

/** `plain`: it is not packed, whatever it begins with. `cut`: it may end anywhere, as where its writer was killed. */
export type Packing = { plain?: boolean; cut?: boolean }

const unpackerOf = (head: Buffer, { cut = false }: Packing) => {
  const startsWith = (magic: Buffer): boolean => head.subarray(0, magic.length).equals(magic)
  // RFC 1952: deflate, and no reserved flag. The time at which a ttyrec file begins may look like the rest of it.
  if (startsWith(gzipMagic) && head[2] === 8 && ((head[3] ?? 0xff) & 0xe0) === 0)
    return createGunzip(cut ? { finishFlush: constants.Z_SYNC_FLUSH } : {})
  return startsWith(zstdMagic) ? createZstdDecompress() : null
}

/** The first bytes tell how it is packed, however few of them come at once. */
const unpacked = async (packed: AsyncIterator<Buffer>, packing: Packing): Promise<AsyncIterable<Buffer>> => {
  let head: Buffer = Buffer.alloc(0)
  while (head.byteLength < zstdMagic.length) {
    const { value, done } = await packed.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield head
    for (let next = await packed.next(); !next.done; next = await packed.next()) yield next.value
  }
  const unpacker = unpackerOf(head, packing)
  if (unpacker === null) return whole()
  return pipeline(Readable.from(whole(), { objectMode: false }), unpacker, () => undefined) // whoever reads hears of it
}

async function* counted(source: AsyncIterable<Buffer>, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    onRead(chunk.byteLength)
    yield chunk
  }
}

/** `onRead`: packed bytes. @throws BTZ_IMPORT_FAILED */
export async function* readBytes(
  file: string,
  onRead: (bytes: number) => void,
  packing: Packing = {},
): AsyncGenerator<Buffer> {
  const stream = file === '-' ? process.stdin : createReadStream(file)
  const packed = counted(stream, onRead)
  try {
    for await (const chunk of packing.plain ? packed : await unpacked(packed, packing)) yield chunk
  } catch (cause) {
    throw unreadable(file, cause)
  } finally {
    stream.destroy()
  }
}
