import { createReadStream } from 'node:fs'
import { createGunzip, createZstdDecompress } from 'node:zlib'

/** Longer lines are no events. */
const maxLineBytes = 1024 * 1024
const chunkBytes = 64 * 1024
const newline = 0x0a

export type Line = { number: number; text: string | null } // null: too long
export type LineBatch = { lines: Line[]; bytes: number }

const decompressor = (file: string) => {
  if (file.endsWith('.gz')) return createGunzip()
  return file.endsWith('.zst') ? createZstdDecompress() : null
}

/** A file's lines, counted from 1, a chunk at a time; `.gz` and `.zst` are unpacked. `bytes`: of the unpacked chunk. */
export async function* linesOf(file: string): AsyncGenerator<LineBatch> {
  const raw = createReadStream(file, { highWaterMark: chunkBytes })
  const unpacked = decompressor(file)
  if (unpacked) raw.on('error', (error) => unpacked.destroy(error))
  let rest: Buffer = Buffer.alloc(0)
  let number = 0
  let isTooLong = false
  for await (const chunk of unpacked ? raw.pipe(unpacked) : raw) {
    const bytes: Buffer = rest.byteLength > 0 ? Buffer.concat([rest, chunk]) : chunk
    const lines: Line[] = []
    let start = 0
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      number++
      const fits = !isTooLong && end - start <= maxLineBytes
      lines.push({ number, text: fits ? bytes.toString('utf8', start, end) : null })
      isTooLong = false
      start = end + 1
    }
    rest = bytes.subarray(start)
    if (rest.byteLength > maxLineBytes) {
      isTooLong = true
      rest = Buffer.alloc(0)
    }
    yield { lines, bytes: chunk.byteLength }
  }
  if (rest.byteLength > 0 || isTooLong) {
    yield { lines: [{ number: number + 1, text: isTooLong ? null : rest.toString('utf8') }], bytes: 0 }
  }
}
