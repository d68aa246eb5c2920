import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readStoredBatches, type StoredBatch } from '#services/recordings/format/block.ts'
import { type EvidenceFormat, parseSessionKey } from '#services/recordings/format/evidence-keys.ts'
import { decodeFrames, type Frame } from '#services/recordings/format/frame-batch.ts'
import type { ContentKeys } from '#services/verify/v0/session.ts'
import type { RegisteredKey } from '#services/verify/v0/signatures.ts'

/** test/fixtures/evidence: recordings that have to be readable and verifiable for ever. */
export const goldenFolder = fileURLToPath(new URL('../fixtures/evidence/', import.meta.url))

type Golden = {
  format: EvidenceFormat
  zstd: string // version of the library that compressed it
  bastion: string
  agentSeed: string // hex: private key of the agent
  agents: RegisteredKey[]
  keys: Record<string, string> // hex, by id
  sessions: Record<string, { sessionId: string; prefix: string }>
  events: { busId: string; topic: string; partition: number; prefix: string }
}

/** One format's recordings: objects as a store gives them, and the keys to them. */
export const goldenEvidence = (format: EvidenceFormat) => {
  const folder = join(goldenFolder, `v${format}`)
  const golden: Golden = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8'))
  const objects = new Map<string, Uint8Array>()
  for (const entry of readdirSync(join(folder, 'evidence'), { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  )) {
    const path = join(entry.parentPath, entry.name)
    objects.set(relative(folder, path), readFileSync(path))
  }
  const keyOf = (keyId: string): Uint8Array | null => {
    const hex = golden.keys[keyId]
    return hex === undefined ? null : Buffer.from(hex, 'hex')
  }
  const contentKeys: ContentKeys = {
    keyOf: async (keyId) => {
      const key = keyOf(keyId)
      return key === null ? { what: 'erased', detail: keyId } : { key }
    },
    agentKeys: async (bastion) => (bastion === golden.bastion ? golden.agents : []),
  }
  const sessionOf = (name: string) => {
    const { sessionId, prefix } = golden.sessions[name]!
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort()
    const key = keyOf(`session:${sessionId}`)!
    const blocks = keys.filter((each) => parseSessionKey(each)?.kind === 'block')
    const manifests = keys.filter((each) => parseSessionKey(each)?.kind === 'manifest')
    const batches = (): StoredBatch[] => blocks.flatMap((each) => [...readStoredBatches(objects.get(each)!, key)])
    const frames = (): Frame[] => batches().flatMap(({ decoded }) => decodeFrames(decoded))
    return { sessionId, prefix, key, blocks, manifests, batches, frames }
  }
  return { ...golden, objects, keyOf, contentKeys, sessionOf }
}

/** The private key that signed them. */
export const agentKeyOf = ({ agentSeed }: Pick<Golden, 'agentSeed'>): KeyObject => {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(agentSeed, 'hex')])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

/** Frames as text, one a line: for comparing all of them at once. */
export const framesText = (frames: readonly Frame[]): string =>
  frames
    .map(({ delayNs, stream, data, masked }) => {
      const what = masked ? `masked ${masked.length} ${masked.rule}` : Buffer.from(data).toString('hex')
      return `${delayNs} ${stream} ${what}\n`
    })
    .join('')
