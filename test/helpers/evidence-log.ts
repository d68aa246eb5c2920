import { generateKeyPairSync, hash } from 'node:crypto'
import { signCheckpoint } from '#services/proofs/checkpoint.ts'
import { type Edge, emptyEdge, grow } from '#services/proofs/growth.ts'
import { type Leaf, leafOfObject } from '#services/proofs/leaf.ts'
import { createLogKeys } from '#services/proofs/log-keys.ts'
import { rangeHash } from '#services/proofs/merkle.ts'
import { type NoteSigner, verifierOf } from '#services/proofs/note.ts'
import { createTileHashes } from '#services/proofs/tiles.ts'

export const logSigner = (): NoteSigner => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  return { name: `bartizan-log/${hash('sha256', raw, 'hex').slice(0, 16)}`, privateKey }
}

/** A log in memory, of the same objects under the same keys as the log writer's. */
export const evidenceLog = (signer: NoteSigner = logSigner()) => {
  const verifier = verifierOf(signer)
  const keys = createLogKeys(verifier)
  const objects = new Map<string, Uint8Array>()
  const leaves: Leaf[] = []
  const notes: Buffer[] = [] // of each checkpoint, smallest first
  const sizes: number[] = []
  let edge: Edge = emptyEdge

  /** A checkpoint over these, too. */
  const append = async (added: readonly Leaf[]): Promise<void> => {
    const grown = grow(
      edge,
      added.map(({ entry }) => entry),
    )
    for (const leaf of added) {
      objects.set(keys.leafIndex(leaf.id), Buffer.from(`${leaves.length}\n`))
      leaves.push(leaf)
    }
    for (const { tile, bytes } of grown.tiles) objects.set(keys.tile(tile), bytes)
    edge = grown.edge
    const hashOf = createTileHashes(edge.size, async (tile) => objects.get(keys.tile(tile))!)
    const root = await rangeHash({ from: 0, to: edge.size }, hashOf)
    const note = Buffer.from(signCheckpoint(edge.size, root, signer))
    objects.set(keys.checkpoint(edge.size), note)
    notes.push(note)
    sizes.push(edge.size)
  }
  return { signer, verifier, keys, objects, leaves, notes, sizes, append, size: () => edge.size }
}
export type EvidenceLog = ReturnType<typeof evidenceLog>

/** Leaves of other sessions: what else stands in a log. */
export const otherLeaves = (count: number, random: () => number): Leaf[] =>
  Array.from({ length: count }, (_, at) => leafOfObject('access', `event-${at}`, Buffer.from(String(random()))))
