import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { BartizanError } from '../errors.ts'

/** A key at rest: AES-256-GCM under the master key. The id is authenticated with it, so files cannot be swapped. */
const bytes = (length: number) =>
  z.base64().transform((text, context) => {
    const decoded = Buffer.from(text, 'base64')
    if (decoded.length !== length) context.addIssue({ code: 'custom', message: `not ${length} bytes` })
    return decoded
  })
const WrappedKey = z.strictObject({
  v: z.literal(1),
  id: z.string(),
  createdAt: z.iso.datetime(),
  nonce: bytes(12),
  wrapped: bytes(32),
  tag: bytes(16),
})

const associated = (id: string) => Buffer.from(`bartizan wrapped key 1\0${id}`)

export const wrapKey = (master: Uint8Array, id: string, key: Uint8Array, createdAt: string): string => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', master, nonce).setAAD(associated(id))
  const wrapped = Buffer.concat([cipher.update(key), cipher.final()])
  const text = { nonce: nonce.toString('base64'), wrapped: wrapped.toString('base64') }
  return `${JSON.stringify({ v: 1, id, createdAt, ...text, tag: cipher.getAuthTag().toString('base64') })}\n`
}

/** @throws BTZ_KEY_INVALID when it is damaged, of another id, or wrapped by another master key */
export const unwrapKey = (master: Uint8Array, id: string, file: string): Uint8Array => {
  try {
    const { nonce, wrapped, tag } = WrappedKey.parse(JSON.parse(file))
    const decipher = createDecipheriv('aes-256-gcm', master, nonce, { authTagLength: 16 })
    decipher.setAAD(associated(id)).setAuthTag(tag)
    return new Uint8Array(Buffer.concat([decipher.update(wrapped), decipher.final()]))
  } catch (cause) {
    throw new BartizanError(
      'BTZ_KEY_INVALID',
      `the key file of ${id} is damaged, of another id or another master key`,
      {
        hint: 'restore the keys folder, with its master.key, from one backup',
        cause,
      },
    )
  }
}
