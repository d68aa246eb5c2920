import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createZstdDecompress } from 'node:zlib'
import { systemClock } from '#services/clock.ts'
import { hasCode } from '#services/errors.ts'
import { createFileKeyStore } from '#services/keys/file-key-store.ts'
import type { KeyId, KeyStore } from '#services/keys/key-store.ts'
import { readBatches } from '#services/recordings/format/block.ts'
import { readEvents } from '#services/recordings/format/event-block.ts'
import { eventPrefixOf, parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { decodeBatchHeader, decodeFrames } from '#services/recordings/format/frame-batch.ts'

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

/** Null: it was destroyed. */
const keyLeft = (keys: KeyStore, id: KeyId): Promise<Uint8Array | null> =>
  keys.get(id).catch((error: unknown) => {
    if (hasCode(error, 'BTZ_KEY_DESTROYED')) return null
    throw error
  })

/** What an evidence file holds behind its encryption: finished bytes and payloads of batches, values of events. */
const decrypted = async (key: string, bytes: Buffer, keys: KeyStore): Promise<Uint8Array[]> => {
  if (eventPrefixOf(key) !== null) {
    const events = await Array.fromAsync(readEvents(bytes, (id) => keyLeft(keys, id as KeyId)))
    return events.flatMap(({ value }) => (value ? [value] : []))
  }
  if (parseSessionKey(key)?.kind !== 'block') return []
  const sessionId = key.split('/').at(-2)!
  const sessionKey = await keyLeft(keys, `session:${sessionId}`)
  if (sessionKey === null) return []
  const batches = [...readBatches(bytes, sessionKey)]
  return batches.flatMap((finished) => [finished, ...decodeFrames(decodeBatchHeader(finished)).map(({ data }) => data)])
}

/** Evidence files of a stopped instance that hold the text once decrypted, also across frames. */
export const evidenceHolding = async (data: string, text: string): Promise<string[]> => {
  const forms = formsOf(text)
  const keys = await createFileKeyStore({ folder: join(data, 'keys'), clock: systemClock })
  const found: string[] = []
  const entries = await readdir(join(data, 'evidence'), { recursive: true, withFileTypes: true })
  for (const entry of entries.filter((file) => file.isFile() && !file.name.includes('@'))) {
    const file = join(entry.parentPath, entry.name)
    const plain = Buffer.concat(await decrypted(file.slice(data.length + 1), await readFile(file), keys))
    if (forms.some((form) => plain.includes(form))) found.push(file)
  }
  await keys.close()
  return found
}
