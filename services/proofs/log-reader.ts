import { BartizanError, hasCode } from '../errors.ts'
import type { RecordingReader } from '../recordings/recording-store.ts'
import { createLogKeys } from './log-keys.ts'
import type { NoteVerifier } from './note.ts'
import type { ReadTile, Tile } from './tiles.ts'

const maxSizeExponent = 40 // keys have room for 10^12 leaves

export type LogReader = {
  /** Size of the latest checkpoint; null before the first one. @throws BTZ_EVIDENCE_CORRUPT when something else stands among them */
  latestSize(): Promise<number | null>
  /** As it was signed. @throws BTZ_RECORDING_NOT_FOUND */
  checkpoint(size: number): Promise<Uint8Array>
  /** @throws BTZ_RECORDING_NOT_FOUND */
  tile: ReadTile
  /** Index of a leaf, by the hex of its hash; null: it has none yet. @throws BTZ_EVIDENCE_CORRUPT */
  indexOf(leafId: string): Promise<number | null>
}

const nullIfAbsent = (error: unknown): null => {
  if (hasCode(error, 'BTZ_RECORDING_NOT_FOUND')) return null
  throw error
}

const parseIndex = (key: string, bytes: Uint8Array): number => {
  const text = Buffer.from(bytes).toString()
  if (/^(0|[1-9]\d{0,14})\n$/.test(text)) return Number(text)
  throw new BartizanError('BTZ_EVIDENCE_CORRUPT', `${key}: not the index of a leaf`)
}

/** The log of this key as it stands in the store. Nothing of it is checked here. */
export const createLogReader = (
  recordings: Pick<RecordingReader, 'get' | 'list'>,
  verifier: Pick<NoteVerifier, 'publicKey'>,
): LogReader => {
  const keys = createLogKeys(verifier)
  let known = -1

  const firstAfter = async (size: number): Promise<number | null> => {
    const after = size < 0 ? '' : keys.checkpoint(size)
    const [found] = await recordings.list(keys.checkpoints, { after, limit: 1 })
    if (!found) return null
    const next = keys.sizeOf(found.key)
    if (next === null) throw new BartizanError('BTZ_EVIDENCE_CORRUPT', `${found.key} is not the key of a checkpoint`)
    return next
  }
  /** Nothing in a store lists backwards: 41 looks find the last of any number, and one finds that there is no newer one. */
  const latestSize = async (): Promise<number | null> => {
    let last = (await firstAfter(known)) ?? known
    if (last < 0) return null
    const isNew = last > known
    for (let step = 2 ** (maxSizeExponent - 1); isNew && step >= 1; step /= 2) {
      if (last + step > 10 ** 12) continue
      last = (await firstAfter(last + step - 1)) ?? last
    }
    known = Math.max(known, last)
    return last
  }
  return {
    latestSize,
    checkpoint: (size) => recordings.get(keys.checkpoint(size)),
    tile: (tile: Tile) => recordings.get(keys.tile(tile)),
    indexOf: async (leafId) => {
      const key = keys.leafIndex(leafId)
      const bytes = await recordings.get(key).catch(nullIfAbsent)
      return bytes && parseIndex(key, bytes)
    },
  }
}
