import { createDecipheriv } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { systemCode } from '../disk-error.ts'
import { BartizanError } from '../errors.ts'
import { associatedOf, BackupHeader, type BackupKind, keyOf, maxHeaderBytes, nonceOf } from './header.ts'

const decompress = promisify(zstdDecompress)
const tagBytes = 16
// A value of the state store may be 16 Mi characters of up to 4 bytes, and is one line.
const maxPieceBytes = 96 * 1024 * 1024

const damaged = (file: string, where: string, cause?: unknown) =>
  new BartizanError('BTZ_BACKUP_DAMAGED', `${file}: ${where}`, {
    hint: 'use another copy. Nothing was restored from it',
    cause,
  })

const readExactly = async (handle: FileHandle, at: number, length: number): Promise<Buffer | null> => {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, at + done)
    if (bytesRead === 0) return null
    done += bytesRead
  }
  return bytes
}

const openFile = (file: string): Promise<FileHandle> =>
  open(file, 'r').catch((cause: unknown) => {
    throw new BartizanError('BTZ_NOT_FOUND', `${file} cannot be read (${systemCode(cause)})`, { cause })
  })

const headerIn = async (handle: FileHandle, file: string) => {
  const { size } = await handle.stat()
  const start = (await readExactly(handle, 0, Math.min(maxHeaderBytes, size))) ?? Buffer.alloc(0)
  const line = start.subarray(0, start.indexOf(0x0a) + 1)
  try {
    return { line, header: BackupHeader.parse(JSON.parse(line.toString('utf8'))), size }
  } catch (cause) {
    throw damaged(file, 'this is no backup of Bartizan, or its beginning is damaged', cause)
  }
}

/** What a backup says of itself, unproven: opening it proves it. @throws BTZ_NOT_FOUND BTZ_BACKUP_DAMAGED */
export const readBackupHeader = async (file: string): Promise<BackupHeader> => {
  const handle = await openFile(file)
  try {
    return (await headerIn(handle, file)).header
  } finally {
    await handle.close()
  }
}

const unseal = async (key: Buffer, line: Buffer, number: number, isLast: boolean, sealed: Buffer): Promise<string> => {
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number), { authTagLength: tagBytes })
  decipher.setAAD(associatedOf(line, number, isLast)).setAuthTag(sealed.subarray(-tagBytes))
  const packed = Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()])
  return (await decompress(packed, { maxOutputLength: maxPieceBytes })).toString('utf8')
}

async function* piecesOf(handle: FileHandle, file: string, passphrase: string): AsyncGenerator<string, void, void> {
  const { line, header, size } = await headerIn(handle, file)
  const key = await keyOf(header, passphrase)
  for (let at = line.length, number = 0; number === 0 || at < size; number++) {
    const length = (await readExactly(handle, at, 4))?.readUInt32BE() ?? 0
    const sealed = length > tagBytes && length <= maxPieceBytes ? await readExactly(handle, at + 4, length) : null
    if (sealed === null) throw damaged(file, `cut short at byte ${at}`)
    yield await unseal(key, line, number, at + 4 + length === size, sealed).catch((cause: unknown) => {
      const why = number === 0 ? 'the passphrase is another one, or it is damaged or cut short' : 'damaged or cut short'
      throw damaged(file, `${why} (byte ${at})`, cause)
    })
    at += 4 + length
  }
}

/**
 * Every entry as it was written, each piece proven before its entries come.
 * @throws BTZ_NOT_FOUND BTZ_BACKUP_DAMAGED: nothing that came before it is to be used then
 */
export async function* readBackup(file: string, passphrase: string): AsyncGenerator<unknown, void, void> {
  const handle = await openFile(file)
  try {
    for await (const text of piecesOf(handle, file, passphrase))
      for (const line of text.split('\n')) if (line !== '') yield JSON.parse(line)
  } finally {
    await handle.close()
  }
}

/** @throws BTZ_NOT_FOUND BTZ_BACKUP_DAMAGED BTZ_REQUEST_INVALID */
export const headerOfKind = async (file: string, kind: BackupKind): Promise<BackupHeader> => {
  const header = await readBackupHeader(file)
  if (header.kind === kind) return header
  throw new BartizanError('BTZ_REQUEST_INVALID', `${file} is a backup of ${header.kind}, not of ${kind}`)
}
