import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { BartizanError } from '../errors.ts'
import { rawPublicKey } from '../recordings/format/signed-head.ts'

/** Signed notes as c2sp.org/signed-note defines them, with Ed25519 keys. */

const ed25519 = 0x01
export const maxNoteBytes = 64 * 1024
const maxSignatures = 16

export type NoteSigner = { name: string; privateKey: KeyObject }
export type NoteVerifier = { name: string; keyId: Buffer; publicKey: Uint8Array }

const isName = (name: string): boolean => name.length > 0 && name.length <= 255 && !/[\s+\p{C}]/u.test(name)
const invalid = (why: string) => new BartizanError('BTZ_KEY_INVALID', `the verifier key of a log: ${why}`)

/** The first four bytes of SHA-256 over the name, a line feed, the algorithm and the key. */
const keyIdOf = (name: string, publicKey: Uint8Array): Buffer =>
  hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ed25519), publicKey]), 'buffer').subarray(0, 4)

export const verifierOf = ({ name, privateKey }: NoteSigner): NoteVerifier => {
  const publicKey = rawPublicKey(privateKey)
  return { name, keyId: keyIdOf(name, publicKey), publicKey }
}

/** `<name>+<key id, hex>+<base64 of 0x01 and the key>` */
export const formatVerifier = ({ name, keyId, publicKey }: NoteVerifier): string =>
  `${name}+${keyId.toString('hex')}+${Buffer.concat([Buffer.of(ed25519), publicKey]).toString('base64')}`

/** @throws BTZ_KEY_INVALID */
export const parseVerifier = (text: string): NoteVerifier => {
  const [, name, id, base64] = /^([^+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{44})$/.exec(text) ?? []
  if (name === undefined || !isName(name) || base64 === undefined) throw invalid('not NAME+ID+KEY')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length !== 33 || bytes[0] !== ed25519) throw invalid('not an Ed25519 key')
  const publicKey = bytes.subarray(1)
  const keyId = keyIdOf(name, publicKey)
  if (keyId.toString('hex') !== id) throw invalid('its id is not that of its name and key')
  return { name, keyId, publicKey }
}

/** The same text and key give the same bytes: Ed25519 has no randomness. `text` ends with a line feed. */
export const signNote = (text: string, signer: NoteSigner): string => {
  const { keyId } = verifierOf(signer)
  const signature = sign(null, Buffer.from(text), signer.privateKey)
  return `${text}\n— ${signer.name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`
}

const refused = (why: string) => new BartizanError('BTZ_EVIDENCE_CORRUPT', `a signed note of the log: ${why}`)

const isGenuine = (text: string, signature: Buffer, publicKey: Uint8Array): boolean => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }
  return verify(null, Buffer.from(text), createPublicKey({ key: jwk, format: 'jwk' }), signature)
}

const signatureForm = /^— (\S{1,255}) ([A-Za-z0-9+/]{4,6000}={0,2})$/

/**
 * The text of a note that this key signed. Signatures of other keys are ignored, as the format asks for.
 * @throws BTZ_EVIDENCE_CORRUPT when the note is malformed, not signed by it, or its signature is wrong
 */
export const openNote = (note: Uint8Array, { name, keyId, publicKey }: NoteVerifier): string => {
  if (note.byteLength > maxNoteBytes) throw refused(`${note.byteLength} bytes`)
  const all = Buffer.from(note).toString()
  const cut = all.lastIndexOf('\n\n')
  if (cut < 0 || !all.endsWith('\n')) throw refused('no text and signatures')
  const text = all.slice(0, cut + 1)
  const lines = all.slice(cut + 2, -1).split('\n')
  if (lines.length > maxSignatures) throw refused(`${lines.length} signatures`)
  let isSigned = false
  for (const line of lines) {
    const [, by, base64] = signatureForm.exec(line) ?? []
    if (by === undefined || base64 === undefined) throw refused('a signature line that is none')
    const bytes = Buffer.from(base64, 'base64')
    // One signature has one spelling: bits that base64 leaves unused are a change, too.
    if (bytes.toString('base64') !== base64) throw refused('a signature line that is none')
    if (by !== name || !bytes.subarray(0, 4).equals(keyId)) continue
    if (!isGenuine(text, bytes.subarray(4), publicKey)) throw refused(`the signature of ${name} is wrong`)
    isSigned = true
  }
  if (!isSigned) throw refused(`${name} did not sign it`)
  return text
}
