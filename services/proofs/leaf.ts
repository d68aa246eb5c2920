import { hash } from 'node:crypto'
import type { NewRecord } from '../bus/bus.ts'
import { canonicalJson } from '../recordings/format/manifest.ts'
import { LogLeaf } from '../schema/log-leaf.ts'
import { leafHash } from './merkle.ts'

/** `id`: the RFC 6962 hash of the entry, hex: whoever knows the object knows its leaf, and nobody can put another before it. */
export type Leaf = { entry: Buffer; id: string }

const leafOf = (leaf: LogLeaf): Leaf => {
  const entry = Buffer.from(canonicalJson(leaf))
  return { entry, id: leafHash(entry).toString('hex') }
}

/** The leaf of these bytes under this key. */
export const leafOfObject = (kind: LogLeaf['kind'], key: string, bytes: Uint8Array): Leaf =>
  leafOf({ v: 1, kind, key, sha256: hash('sha256', bytes, 'hex') })

/** For the bus: an object that is durable under this key gets its leaf. The same object any number of times is one leaf. */
export const leafRecord = (kind: LogLeaf['kind'], key: string, bytes: Uint8Array): NewRecord => {
  const { entry, id } = leafOfObject(kind, key, bytes)
  return { topic: 'log-entries', key: id, value: entry }
}

/** Null: not a leaf. */
export const readLeaf = (value: Uint8Array): Leaf | null => {
  try {
    return leafOf(LogLeaf.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value))))
  } catch {
    return null
  }
}
