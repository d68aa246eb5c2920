import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { createLineSplitter, type SplitLine } from '#hooks/openssh/line-splitter.ts'
import { diskError } from '#services/disk-error.ts'
import { BartizanError } from '#services/errors.ts'

/** Lines of a file or of standard input (`-`), unpacked where it is gzip or zstd; memory does not grow with it. */

const gzipMagic = Buffer.from([0x1f, 0x8b])
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

export type Source = { sizeBytes: number; modifiedMs: number }

/** @throws BTZ_IMPORT_FAILED */
export const sourceOf = async (file: string): Promise<Source> => {
  if (file === '-') return { sizeBytes: 0, modifiedMs: Date.now() }
  const found = await stat(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  if (!found.isDirectory()) return { sizeBytes: found.size, modifiedMs: found.mtimeMs }
  throw new BartizanError('BTZ_IMPORT_FAILED', `${file} is a folder`)
}

const unreadable = (file: string, cause: unknown): unknown =>
  cause instanceof BartizanError
    ? cause
    : new BartizanError('BTZ_IMPORT_FAILED', `${file} cannot be read: ${(diskError(cause, file) as Error).message}`, {
        cause,
      })

const unpackerOf = (head: Buffer) => {
  const startsWith = (magic: Buffer): boolean => head.subarray(0, magic.length).equals(magic)
  if (startsWith(gzipMagic)) return createGunzip()
  return startsWith(zstdMagic) ? createZstdDecompress() : null
}

/** The first bytes tell how it is packed, however few of them come at once. */
const unpacked = async (packed: AsyncIterator<Buffer>): Promise<AsyncIterable<Buffer>> => {
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
  const unpacker = unpackerOf(head)
  if (unpacker === null) return whole()
  return pipeline(Readable.from(whole(), { objectMode: false }), unpacker, () => undefined) // whoever reads hears of it
}

async function* counted(source: AsyncIterable<Buffer>, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    onRead(chunk.byteLength)
    yield chunk
  }
}

/** Some lines at a time. `onRead`: packed bytes. @throws BTZ_IMPORT_FAILED */
export async function* readLines(file: string, onRead: (bytes: number) => void): AsyncGenerator<SplitLine[]> {
  const stream = file === '-' ? process.stdin : createReadStream(file)
  const splitter = createLineSplitter(0)
  try {
    for await (const chunk of await unpacked(counted(stream, onRead))) yield splitter.push(chunk)
    const rest = splitter.rest()
    if (rest) yield [rest]
  } catch (cause) {
    throw unreadable(file, cause)
  } finally {
    stream.destroy()
  }
}
