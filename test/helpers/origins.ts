import { generateKeyPairSync } from 'node:crypto'
import type { BusRecord, NewRecord } from '#services/bus/bus.ts'
import { type Signer, type SignerKind, sealRecords } from '#services/origin/seal.ts'
import { keyIdOf, rawPublicKey } from '#services/recordings/format/signed-head.ts'

/** Whoever signs records, with a key of its own. */
export const newSigner = (kind: SignerKind, bastion = ''): Signer & { keyId: string } => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const publicKey = rawPublicKey(privateKey)
  return { kind, bastion, privateKey, publicKey, keyId: keyIdOf(publicKey) }
}

/** As the bus hands it out. */
export const delivered = (record: NewRecord, offset = 0): BusRecord => ({
  headers: {},
  ...record,
  partition: 0,
  offset,
  timestampMs: Date.UTC(2026, 0, 31, 12),
})

export const sealedBy = (signer: Signer, ...records: NewRecord[]): BusRecord[] =>
  sealRecords(records, signer).map(delivered)
