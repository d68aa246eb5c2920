import { hash, scrypt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { systemCode } from '../disk-error.ts'
import { BartizanError } from '../errors.ts'
import { checkPrivate } from '../keys/master-key.ts'

/** The first line of a backup, in clear: what it is, and how its key comes from the passphrase. */
export const BackupKind = z.enum(['keys', 'state'])
export type BackupKind = z.infer<typeof BackupKind>

export const BackupHeader = z.strictObject({
  format: z.literal('bartizan backup 1'),
  id: z.uuid(),
  kind: BackupKind,
  /** What came later is not in it. Of keys by the clock of their file system, which the next incremental one compares with. */
  createdAt: z.iso.datetime(),
  /** Of the backup that it goes on from; null: it is a full one. */
  after: z.uuid().nullable(),
  product: z.string().max(64),
  salt: z.string().regex(/^[0-9a-f]{32}$/),
})
export type BackupHeader = z.infer<typeof BackupHeader>

export const maxHeaderBytes = 4096
const leastCharacters = 20
const derive = promisify<string, Buffer, number, object, Buffer>(scrypt)
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }

/** @throws BTZ_KEYS_EXPOSED BTZ_REQUEST_INVALID */
export const readPassphrase = async (file: string): Promise<string> => {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new BartizanError('BTZ_REQUEST_INVALID', `the passphrase ${file} cannot be read (${systemCode(error)})`)
  })
  await checkPrivate(file)
  const passphrase = text.trim()
  if (passphrase.length >= leastCharacters && passphrase.length <= 1024) return passphrase
  throw new BartizanError('BTZ_REQUEST_INVALID', `${file} does not hold ${leastCharacters} to 1024 characters`, {
    hint: 'make one with: openssl rand -base64 32',
  })
}

/** 32 bytes. */
export const keyOf = ({ salt }: BackupHeader, passphrase: string): Promise<Buffer> =>
  derive(passphrase, Buffer.from(salt, 'hex'), 32, cost)

/** Each sealed piece is bound to the header, to its place, and to being the last one or not. */
export const associatedOf = (headerLine: Uint8Array, number: number, isLast: boolean): Buffer => {
  const place = Buffer.alloc(9)
  place.writeBigUInt64BE(BigInt(number))
  place[8] = isLast ? 1 : 0
  return Buffer.concat([hash('sha256', headerLine, 'buffer'), place])
}

export const nonceOf = (number: number): Buffer => {
  const nonce = Buffer.alloc(12)
  nonce.writeBigUInt64BE(BigInt(number), 4)
  return nonce
}
