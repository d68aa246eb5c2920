import { BartizanError } from '#services/errors.ts'
import { type Edge, emptyEdge, grow } from '#services/proofs/growth.ts'
import { emptyRoot, leafHash, nodeHash } from '#services/proofs/merkle.ts'
import { createTileHashes, type ReadTile, tilePath } from '#services/proofs/tiles.ts'

/** RFC 6962, 2.1, word by word: over all leaves at once. */
export const naiveRoot = (entries: readonly Uint8Array[]): Uint8Array => {
  if (entries.length === 0) return emptyRoot()
  if (entries.length === 1) return leafHash(entries[0]!)
  let cut = 1
  while (cut * 2 < entries.length) cut *= 2
  return nodeHash(naiveRoot(entries.slice(0, cut)), naiveRoot(entries.slice(cut)))
}

export const entryOf = (n: number): Buffer => Buffer.from(`entry ${n}`)
export const entriesTo = (size: number): Buffer[] => Array.from({ length: size }, (_, n) => entryOf(n))

/** A log whose tiles stand in memory; every tile of every size it had is kept. */
export const memoryLog = () => {
  const tiles = new Map<string, Uint8Array>()
  let edge: Edge = emptyEdge
  const read: ReadTile = async (tile) => {
    const bytes = tiles.get(tilePath(tile))
    if (!bytes) throw new BartizanError('BTZ_RECORDING_NOT_FOUND', tilePath(tile))
    return bytes
  }
  return {
    tiles,
    append: (entries: readonly Uint8Array[]) => {
      const grown = grow(edge, entries)
      edge = grown.edge
      for (const { tile, bytes } of grown.tiles) tiles.set(tilePath(tile), bytes)
    },
    hashes: (size: number) => createTileHashes(size, read),
  }
}
