import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { type SignedHead, SignedHeadSchema } from '../../schema/generated/frame_batch_pb.ts'

/** What the agent vouches for: at `atMs` the session's chain ended with batch `seq`, whose finished bytes have `hash`. */
export type Head = { sessionId: string; seq: number | bigint; hash: Uint8Array; atMs: number | bigint }

/** The signed bytes: frame_batch.proto, SignedHead. */
export const headText = ({ sessionId, seq, hash, atMs }: Head): string =>
  `bartizan-head-v0\n${sessionId}\n${seq}\n${Buffer.from(hash).toString('hex')}\n${atMs}\n`

/** Raw 32 bytes of an Ed25519 public key (or of the public half of a private one). */
export const rawPublicKey = (key: KeyObject): Uint8Array => {
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  return Buffer.from(x ?? '', 'base64url')
}

/** SHA-256 of the raw public key, hex. */
export const keyIdOf = (publicKey: Uint8Array): string => hash('sha256', publicKey, 'hex')

export const signHead = (privateKey: KeyObject, head: Head): SignedHead =>
  create(SignedHeadSchema, {
    keyId: keyIdOf(rawPublicKey(privateKey)),
    seq: BigInt(head.seq),
    hash: head.hash,
    atMs: BigInt(head.atMs),
    signature: sign(null, Buffer.from(headText(head)), privateKey),
  })

let imported: { raw: Uint8Array; key: KeyObject } | null = null // heads of a session are mostly by one key
const importKey = (raw: Uint8Array): KeyObject => {
  if (imported === null || Buffer.compare(imported.raw, raw) !== 0) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }
    imported = { raw: Uint8Array.from(raw), key: createPublicKey({ key: jwk, format: 'jwk' }) }
  }
  return imported.key
}

/** `publicKey`: raw 32 bytes. False for another key's head, another session's, and for a key that is none. */
export const verifyHead = (publicKey: Uint8Array, sessionId: string, head: SignedHead): boolean => {
  if (publicKey.byteLength !== 32 || head.keyId !== keyIdOf(publicKey) || head.hash.byteLength !== 32) return false
  return verify(null, Buffer.from(headText({ sessionId, ...head })), importKey(publicKey), head.signature)
}
