import { hash } from 'node:crypto'

export type KeyBlob = { type: string; bits: number; fingerprint: string; isCertificate: boolean }

/** Fields behind the type (RFC 4253 section 6.6, RFC 5656, RFC 8709, OpenSSH PROTOCOL.u2f), and which one tells the length. */
const layouts: Record<string, { fields: number; bitsOf: (fields: Buffer[]) => number }> = {
  'ssh-rsa': { fields: 2, bitsOf: ([, modulus]) => integerBits(modulus!) },
  'ssh-dss': { fields: 4, bitsOf: ([prime]) => integerBits(prime!) },
  'ssh-ed25519': { fields: 1, bitsOf: () => 256 },
  'sk-ssh-ed25519@openssh.com': { fields: 2, bitsOf: () => 256 },
  'ecdsa-sha2-nistp256': { fields: 2, bitsOf: () => 256 },
  'ecdsa-sha2-nistp384': { fields: 2, bitsOf: () => 384 },
  'ecdsa-sha2-nistp521': { fields: 2, bitsOf: () => 521 },
  'sk-ecdsa-sha2-nistp256@openssh.com': { fields: 3, bitsOf: () => 256 },
}
const certificate = /-cert-v01(?=@openssh\.com$)/

export const keyTypes = new Set(Object.keys(layouts))

/** The type of the key inside of a certificate: `ssh-rsa-cert-v01@openssh.com` → `ssh-rsa`. */
export const plainType = (type: string): string => {
  if (!certificate.test(type)) return type
  const bare = type.replace(certificate, '')
  return keyTypes.has(bare) ? bare : bare.replace(/@openssh\.com$/, '')
}

const integerBits = (bytes: Buffer): number => {
  const first = bytes.findIndex((byte) => byte !== 0)
  return first === -1 ? 0 : (bytes.length - first) * 8 - (Math.clz32(bytes[first]!) - 24)
}

/** `count` strings of RFC 4251 section 5; null: there are not so many. */
const readFields = (blob: Buffer, count: number): Buffer[] | null => {
  const fields: Buffer[] = []
  for (let at = 0; fields.length < count; ) {
    if (at + 4 > blob.length) return null
    const end = at + 4 + blob.readUInt32BE(at)
    if (end > blob.length) return null
    fields.push(blob.subarray(at + 4, end))
    at = end
  }
  return fields
}
const written = (fields: Buffer[]): Buffer =>
  Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(field.length)
      return [length, field]
    }),
  )

/** A public key as in authorized_keys. The fingerprint is that of the key, in a certificate too. Null: it is none. */
export const readKeyBlob = (type: string, base64: string): KeyBlob | null => {
  const plain = plainType(type)
  const layout = Object.hasOwn(layouts, plain) ? layouts[plain] : undefined
  if (!layout || !/^[A-Za-z0-9+/]{16,}={0,2}$/.test(base64)) return null
  const isCertificate = plain !== type
  const before = isCertificate ? 2 : 1 // the type, and a nonce
  const fields = readFields(Buffer.from(base64, 'base64'), before + layout.fields)
  if (!fields || fields[0]!.toString('latin1') !== type) return null
  const own = fields.slice(before)
  const digest = hash('sha256', written([Buffer.from(plain), ...own]), 'base64').replace(/=+$/, '')
  return { type: plain, bits: layout.bitsOf(own), fingerprint: `SHA256:${digest}`, isCertificate }
}
