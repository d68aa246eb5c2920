import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createZstdDecompress } from 'node:zlib'

const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/** What a zstd frame at the beginning of `bytes` holds, whatever follows it; empty where it is none. */
const unpack = (bytes: Buffer): Promise<Buffer> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    const stream = createZstdDecompress()
    const done = () => resolve(Buffer.concat(chunks))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', done)
    stream.on('end', done)
    stream.end(bytes)
  })

const unpackedParts = async (bytes: Buffer): Promise<Buffer[]> => {
  const parts: Buffer[] = []
  for (let at = bytes.indexOf(zstdMagic); at >= 0; at = bytes.indexOf(zstdMagic, at + 1)) {
    parts.push(await unpack(bytes.subarray(at, at + 4 * 1024 * 1024)))
  }
  return parts
}

/** The forms in which a text may lie about: plain, UTF-16, hexadecimal, and base64 at each of its three offsets. */
const formsOf = (text: string): Buffer[] => {
  const plain = Buffer.from(text)
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), plain]).toString('base64')
    return encoded.slice(Math.ceil((shift * 8) / 6) + (shift ? 1 : 0), -4)
  })
  return [
    plain,
    Buffer.from(text, 'utf16le'),
    Buffer.from(plain.toString('hex')),
    ...base64.map((part) => Buffer.from(part)),
  ]
}

/** Names of files in the folder that hold the text, as it is or inside of something compressed. */
export const filesHolding = async (folder: string, text: string): Promise<string[]> => {
  const forms = formsOf(text)
  const holds = (bytes: Buffer): boolean => forms.some((form) => bytes.includes(form))
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const entry of entries.filter((file) => file.isFile())) {
    const file = join(entry.parentPath, entry.name)
    const bytes = await readFile(file)
    if (holds(bytes) || (await unpackedParts(bytes)).some(holds)) found.push(file)
  }
  return found
}
