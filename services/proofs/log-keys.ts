import { type Tile, tilePath } from './tiles.ts'

/** Where the log's objects stand in the evidence store. */

const root = 'log/v1'
const sizeDigits = 12
export const checkpointPrefix = `${root}/checkpoint/`

export const tileKey = (tile: Tile): string => `${root}/${tilePath(tile)}`

/** By threes, so that no folder grows large and keys sort as sizes do: 1234 → 000/000/001/234. */
export const checkpointKey = (size: number): string =>
  checkpointPrefix + String(size).padStart(sizeDigits, '0').match(/\d{3}/g)!.join('/')

/** Null: not the key of a checkpoint. */
export const parseCheckpointKey = (key: string): number | null => {
  const size = Number(key.slice(checkpointPrefix.length).replaceAll('/', ''))
  return Number.isSafeInteger(size) && checkpointKey(size) === key ? size : null
}

/** Says at which index a leaf stands; `id` as in leaf.ts. */
export const leafIndexKey = (id: string): string => `${root}/leaf/${id.slice(0, 2)}/${id}`
