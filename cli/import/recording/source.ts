import { createHash } from 'node:crypto'
import { closeSync, lstatSync, openSync, readSync } from 'node:fs'
import { BartizanError } from '#services/errors.ts'
import { type Packing, readBytes, unreadable } from '../read-bytes.ts'
import { type Open, packingTold, pathOf, type RecordingFormat } from './formats.ts'

const statOf = (path: string) => lstatSync(path, { bigint: true, throwIfNoEntry: false })

/** A digit is what a `timing` that is not packed begins with. */
const isPlainTiming = (path: string): boolean => {
  const first = Buffer.alloc(1)
  const file = openSync(path, 'r')
  try {
    return readSync(file, first, 0, 1, 0) === 0 || (first[0]! >= 0x30 && first[0]! <= 0x39)
  } finally {
    closeSync(file)
  }
}

/** The files of a recording, which may be read more than once. `maxBytes`: unpacked. */
export const createSource = (recording: string, { parts }: Pick<RecordingFormat, 'parts'>, maxBytes: number) => {
  const isThere = (part: string): boolean =>
    parts.includes(part) && (statOf(pathOf(recording, part))?.isFile() ?? false)
  // A log of sudo tells by `timing` what of it is missing, and that of a killed sudo ends within its packing.
  const packing = (): Packing => {
    const told = pathOf(recording, packingTold)
    try {
      return isThere(packingTold) ? { plain: isPlainTiming(told), cut: true } : {}
    } catch (cause) {
      throw unreadable(told, cause)
    }
  }

  async function* bounded(part: string, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
    let bytes = 0
    for await (const chunk of readBytes(pathOf(recording, part), onRead, packing())) {
      bytes += chunk.length
      if (bytes > maxBytes)
        throw new BartizanError('BTZ_IMPORT_FAILED', `${recording} has more than ${maxBytes} bytes, unpacked`)
      yield chunk
    }
  }
  const opener =
    (onRead: (bytes: number) => void): Open =>
    (part) =>
      isThere(part) ? bounded(part, onRead) : null

  return {
    opener,
    sizeBytes: (): number => parts.reduce((sum, part) => sum + Number(statOf(pathOf(recording, part))?.size ?? 0n), 0),
    /** Another one, when a recorder is still writing. */
    state: (): string =>
      parts
        .map((part) => {
          const found = statOf(pathOf(recording, part))
          return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : ''
        })
        .join('\n'),
    /** SHA-256 in hex of all its bytes, unpacked, each file with its name. */
    digest: async (): Promise<string> => {
      const open = opener(() => undefined)
      const whole = createHash('sha256')
      for (const part of parts) {
        const chunks = open(part)
        if (chunks === null) continue
        const one = createHash('sha256')
        for await (const chunk of chunks) one.update(chunk)
        whole.update(`${part}\n`).update(one.digest())
      }
      return whole.digest('hex')
    },
  }
}
export type RecordingSource = ReturnType<typeof createSource>
