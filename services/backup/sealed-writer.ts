import { createCipheriv, randomBytes, randomUUID } from 'node:crypto'
import { type FileHandle, link, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { diskError, systemCode } from '../disk-error.ts'
import { syncFolder } from '../durable-file.ts'
import { BartizanError } from '../errors.ts'
import { version } from '../version.ts'
import { associatedOf, type BackupHeader, keyOf, nonceOf } from './header.ts'

const compress = promisify(zstdCompress)
const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const pieceBytes = 1024 * 1024

export type SealedWriter = {
  /** One line of JSON. */
  add(entry: object): Promise<void>
  /** Durable under its name when resolved; its size. @throws BTZ_FILE_EXISTS BTZ_DISK_FULL */
  finish(): Promise<number>
  abandon(): Promise<void>
}

export const newHeader = (header: Pick<BackupHeader, 'kind' | 'createdAt' | 'after'>): BackupHeader => ({
  format: 'bartizan backup 1',
  id: randomUUID(),
  ...header,
  product: version,
  salt: randomBytes(16).toString('hex'),
})

/** Pieces: length (4 bytes, big-endian), then AES-256-GCM of zstd of lines of JSON, with the tag behind it. */
const createPieces = (handle: FileHandle, key: Buffer, headerLine: Buffer) => {
  let number = 0
  return async (text: string, isLast: boolean): Promise<void> => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number)).setAAD(associatedOf(headerLine, number, isLast))
    const sealed = Buffer.concat([cipher.update(await compress(text, level)), cipher.final(), cipher.getAuthTag()])
    const length = Buffer.alloc(4)
    length.writeUInt32BE(sealed.length)
    await handle.writeFile(Buffer.concat([length, sealed]))
    number++
  }
}

const publish = async (partial: string, file: string): Promise<void> => {
  await link(partial, file).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error
    throw new BartizanError('BTZ_FILE_EXISTS', `${file} is there already`, { hint: 'name another file, or a folder' })
  })
  await rm(partial)
  await syncFolder(dirname(file))
}

/**
 * A file that has its name only when it is whole; until then `<file>.partial`. Never replaces one.
 * @throws BTZ_DISK_FULL BTZ_DATA_UNWRITABLE
 */
export const createSealedWriter = async (
  file: string,
  header: BackupHeader,
  passphrase: string,
): Promise<SealedWriter> => {
  const reword = (error: unknown): never => {
    throw diskError(error, file)
  }
  const partial = `${file}.partial`
  const headerLine = Buffer.from(`${JSON.stringify(header)}\n`)
  const handle = await open(partial, 'w', 0o600).catch(reword)
  const write = createPieces(handle, await keyOf(header, passphrase), headerLine)
  await handle.writeFile(headerLine).catch(reword)
  let lines: string[] = []
  let chars = 0
  return {
    add: async (entry) => {
      const line = `${JSON.stringify(entry)}\n`
      lines.push(line)
      chars += line.length
      if (chars < pieceBytes) return
      await write(lines.join(''), false).catch(reword)
      ;[lines, chars] = [[], 0]
    },
    finish: async () => {
      try {
        await write(lines.join(''), true)
        await handle.sync()
        const { size } = await handle.stat()
        await handle.close()
        await publish(partial, file)
        return size
      } catch (error) {
        return reword(error)
      }
    },
    abandon: async () => {
      await handle.close().catch(() => undefined) // closed already, or the disk is at fault: that was said
      await rm(partial, { force: true })
    },
  }
}
