import { hash } from 'node:crypto'
import type { NoteVerifier } from './note.ts'
import { type Tile, tilePath } from './tiles.ts'

const sizeDigits = 12

/**
 * Where a log's objects stand in the evidence store. Each log has a folder named after its key, so that installations can
 * share a store: what one key did not sign is no part of its log.
 */
export const createLogKeys = ({ publicKey }: Pick<NoteVerifier, 'publicKey'>) => {
  const root = `log/v1/${hash('sha256', publicKey, 'hex').slice(0, 16)}/`
  const checkpoints = `${root}checkpoint/`
  // By threes, so that no folder grows large and keys sort as sizes do: 1234 → 000/000/001/234.
  const checkpoint = (size: number): string =>
    checkpoints + String(size).padStart(sizeDigits, '0').match(/\d{3}/g)!.join('/')
  return {
    checkpoints,
    checkpoint,
    /** Null: not the key of a checkpoint. */
    sizeOf: (key: string): number | null => {
      const size = Number(key.slice(checkpoints.length).replaceAll('/', ''))
      return Number.isSafeInteger(size) && checkpoint(size) === key ? size : null
    },
    tile: (tile: Tile): string => root + tilePath(tile),
    /** Of the object that says at which index a leaf stands; `id` as in leaf.ts. */
    leafIndex: (id: string): string => `${root}leaf/${id.slice(0, 2)}/${id}`,
  }
}
export type LogKeys = ReturnType<typeof createLogKeys>
