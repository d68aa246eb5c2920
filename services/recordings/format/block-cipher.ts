import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/** Encryption of the units of a block: AES-256-GCM, one key per block, nonce = number of the unit. */

export const saltBytes = 32
export const tagBytes = 16
const nonceBytes = 12

/** HKDF-SHA-256 (RFC 5869). `purpose` keeps keys of different uses apart; a fresh random salt keeps blocks apart. */
export const deriveKey = (secret: Uint8Array, salt: Uint8Array, purpose: string): KeyObject =>
  // A KeyObject: given bytes, Node prepares them anew for every unit, which costs more than encrypting a small one.
  createSecretKey(new Uint8Array(hkdfSync('sha256', secret, salt, purpose, 32)))

// The number never repeats under a key: the key is the block's own, and a block is built once.
const nonceOf = (number: number): Buffer => {
  const nonce = Buffer.alloc(nonceBytes)
  nonce.writeUIntBE(number, nonceBytes - 6, 6)
  return nonce
}

/** Ciphertext of all parts as one, with its tag at the end. `context` is bound to it, not stored. */
export const encrypt = (
  key: KeyObject,
  number: number,
  context: string,
  parts: readonly Uint8Array[],
): { chunks: Buffer[]; sizeBytes: number } => {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number)).setAAD(Buffer.from(context))
  const chunks = parts.map((part) => cipher.update(part))
  chunks.push(cipher.final(), cipher.getAuthTag())
  return { chunks, sizeBytes: chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0) }
}

/** Null when key, number, context or bytes are not those of `encrypt`. */
export const decrypt = (key: KeyObject, number: number, context: string, sealed: Uint8Array): Uint8Array | null => {
  if (sealed.byteLength < tagBytes) return null
  const split = sealed.byteLength - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number), { authTagLength: tagBytes })
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(split))
  const plain = decipher.update(sealed.subarray(0, split))
  try {
    decipher.final()
    return plain
  } catch {
    return null
  }
}
