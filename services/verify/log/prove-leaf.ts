import { BartizanError } from '../../errors.ts'
import type { Checkpoint } from '../../proofs/checkpoint.ts'
import { isIncluded, proveInclusion } from '../../proofs/merkle.ts'
import { createTileHashes, type ReadTile } from '../../proofs/tiles.ts'
import { isFinding, type StoredLog } from './stored-log.ts'

export const unproven = (what: string): BartizanError => new BartizanError('BTZ_EVIDENCE_CORRUPT', what)

export type LeafProof = { index: number; proof: Uint8Array[] }

/** Null: the log does not know it. */
const indexOf = async (log: StoredLog, id: string): Promise<number | null> => {
  const said = await log.indexOf(id)
  if (typeof said !== 'string') {
    if (said.what === 'log-gone') return null
    throw unproven(said.detail)
  }
  if (/^(0|[1-9]\d{0,14})\n$/.test(said)) return Number(said)
  throw unproven(`${log.keys.leafIndex(id)}: not the index of a leaf`)
}

/** Inclusion proofs under one checkpoint. Tiles that several leaves share are read once. */
export const createLeafProver = (log: StoredLog, { size, root }: Pick<Checkpoint, 'size' | 'root'>) => {
  const readTile: ReadTile = async (tile) => {
    const bytes = await log.bytes(tile)
    if (isFinding(bytes)) throw unproven(`${bytes.where.key}: ${bytes.detail}`)
    return bytes
  }
  const hashOf = createTileHashes(size, readTile)
  /** Null: the checkpoint does not cover it yet. @throws BTZ_EVIDENCE_CORRUPT when it should, and does not vouch for it */
  return async (id: string): Promise<LeafProof | null> => {
    const index = await indexOf(log, id)
    if (index === null || index >= size) return null
    const proof = await proveInclusion(index, size, hashOf)
    if (isIncluded({ index, size, leaf: Buffer.from(id, 'hex'), root, proof })) return { index, proof }
    throw unproven(`the checkpoint of ${size} leaves does not vouch for leaf ${id}, which should be number ${index}`)
  }
}
