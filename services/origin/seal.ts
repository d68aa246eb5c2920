import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import type { BusRecord, NewRecord, Topic } from '../bus/bus.ts'
import { keyIdOf } from '../recordings/format/signed-head.ts'
import { buildTree, leafHash, stepBytes } from './hash-tree.ts'

/** The topics that agents may write. */
export const agentTopics: readonly Topic[] = ['session-frames', 'session-events']
/** What stands here proves who wrote it: readers cannot see the writer's Kafka user. */
export const sealedTopics: readonly Topic[] = [...agentTopics, 'alerts', 'log-entries']

/** agent: speaks for its bastion only. role: a process of the cluster, which may speak for any. */
export type SignerKind = 'agent' | 'role'
export type Signer = { kind: SignerKind; bastion: string; publicKey: Uint8Array; privateKey: KeyObject }

/** One signature covers so many records: verifying one costs as much as hashing some 200 KiB. */
const maxGroup = 128
const maxPathSteps = Math.log2(maxGroup)

const names = { kind: 'originKind', key: 'originKey', path: 'originPath', signature: 'originSignature' } as const
const sealHeaders: ReadonlySet<string> = new Set(Object.values(names))

/** The topic is one of ours and the hash is hex, so that no two records share a text: the key ends it. */
const recordText = ({ topic, key, value, headers = {} }: NewRecord): string => {
  const others = Object.entries(headers).filter(([name]) => !sealHeaders.has(name))
  const sorted = others.sort(([a], [b]) => (a < b ? -1 : 1))
  return `bartizan-record-v0\n${topic}\n${hash('sha256', value)}\n${JSON.stringify(sorted)}\n${key}`
}
export const leafOf = (record: NewRecord): Buffer => leafHash(recordText(record))
const groupText = (kind: SignerKind, bastion: string, root: Buffer): Buffer =>
  Buffer.from(`bartizan-origin-v0\n${kind}\n${kind === 'agent' ? bastion : ''}\n${root.toString('hex')}\n`)

const sealGroup = (group: readonly NewRecord[], { kind, bastion, publicKey, privateKey }: Signer): NewRecord[] => {
  const { root, paths } = buildTree(group.map(leafOf))
  const shared = {
    [names.kind]: kind,
    [names.key]: Buffer.from(publicKey).toString('base64url'),
    [names.signature]: sign(null, groupText(kind, bastion, root), privateKey).toString('base64url'),
  }
  return group.map((record, at) => ({
    ...record,
    headers: { ...record.headers, ...shared, [names.path]: paths[at]!.toString('base64url') },
  }))
}

/**
 * The same records with headers that prove who wrote them: the public key, an Ed25519 signature over the root of a hash
 * tree over up to 128 records, and each record's path to it. At most 570 bytes more per record.
 */
export const sealRecords = (records: readonly NewRecord[], signer: Signer): NewRecord[] => {
  const sealed: NewRecord[] = []
  for (let from = 0; from < records.length; from += maxGroup)
    sealed.push(...sealGroup(records.slice(from, from + maxGroup), signer))
  return sealed
}

/** What a record says about who wrote it, as it stands in its headers. Nothing of it is true before it was verified. */
export type Seal = { kind: SignerKind; key: string; path: string; signature: string }

const textLength = (sizeBytes: number): number => Math.ceil((sizeBytes * 4) / 3)
const keyLength = textLength(32)
const signatureLength = textLength(64)
const maxPathLength = textLength(maxPathSteps * stepBytes)

/** Null: there is none, or it is malformed. */
export const readSeal = ({ headers }: BusRecord): Seal | null => {
  const { [names.kind]: kind, [names.key]: key, [names.path]: path, [names.signature]: signature } = headers
  if ((kind !== 'agent' && kind !== 'role') || path === undefined || path.length > maxPathLength) return null
  if (key?.length !== keyLength || signature?.length !== signatureLength) return null
  return { kind, key, path, signature }
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64url')
/** SHA-256 of the public key, hex. */
export const sealKeyId = ({ key }: Seal): string => keyIdOf(bytesOf(key))

/** Whether the seal's key signed this root: for a role, or as the agent of this bastion. */
export const isGenuine = ({ kind, key, signature }: Seal, root: Buffer, bastion: string): boolean => {
  const publicKey = bytesOf(key)
  if (publicKey.byteLength !== 32) return false
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') }
  return verify(null, groupText(kind, bastion, root), createPublicKey({ key: jwk, format: 'jwk' }), bytesOf(signature))
}

/** Whether it says who wrote it. */
export const isSealed = ({ headers }: NewRecord): boolean => headers?.[names.signature] !== undefined
/** Whether an agent, and not a process of the cluster, says to have written it. */
export const isByAgent = ({ headers }: BusRecord): boolean => headers[names.kind] === 'agent'
