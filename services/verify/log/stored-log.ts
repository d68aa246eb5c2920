import { hasCode } from '../../errors.ts'
import { type Checkpoint, openCheckpoint } from '../../proofs/checkpoint.ts'
import { createLogKeys } from '../../proofs/log-keys.ts'
import { maxNoteBytes, type NoteVerifier } from '../../proofs/note.ts'
import { decodeEntries, decodeHashes, maxTileBytes, type Tile } from '../../proofs/tiles.ts'
import type { Finding } from '../finding.ts'
import type { EvidenceSource } from '../read-objects.ts'

/** What the log shows, everybody with its public key can check. */
export const logFinding = (verdict: Finding['verdict'], what: string, key: string, detail: string): Finding => ({
  level: 'sealed',
  verdict,
  what,
  where: { key },
  detail,
})

/** The objects of one log, each as it stands or as a finding that says what is wrong with it by itself. */
export const createStoredLog = (source: EvidenceSource, verifier: NoteVerifier) => {
  const keys = createLogKeys(verifier)

  const faultOf = (error: unknown, what: string, key: string): Finding => {
    const { message } = error as Error
    if (hasCode(error, 'BTZ_RECORDING_NOT_FOUND')) return logFinding('tampered', 'log-gone', key, message)
    if (hasCode(error, 'BTZ_EVIDENCE_CORRUPT')) return logFinding('tampered', what, key, message)
    throw error
  }
  /** One byte more than it may have: who may put can put anything there. */
  const read = (key: string, maxBytes: number) => source.get(key, { start: 0, length: maxBytes + 1 })

  const tile = async <T>(wanted: Tile, decode: (tile: Tile, bytes: Uint8Array) => T): Promise<T | Finding> => {
    const key = keys.tile(wanted)
    try {
      return decode(wanted, await read(key, maxTileBytes(wanted)))
    } catch (error) {
      return faultOf(error, 'log-tile', key)
    }
  }
  return {
    keys,
    source,
    verifier,
    entries: (wanted: Tile): Promise<Buffer[] | Finding> => tile(wanted, decodeEntries),
    hashes: (wanted: Tile): Promise<Buffer[] | Finding> => tile(wanted, decodeHashes),
    bytes: (wanted: Tile): Promise<Uint8Array | Finding> => tile(wanted, (_, bytes) => bytes),
    checkpoint: async (key: string): Promise<Checkpoint | Finding> => {
      const size = keys.sizeOf(key)
      if (size === null) return logFinding('tampered', 'foreign-object', key, 'no checkpoint is named so')
      try {
        const checkpoint = openCheckpoint(await read(key, maxNoteBytes), verifier)
        if (checkpoint.size === size) return checkpoint
        return logFinding('tampered', 'misplaced', key, `it is the checkpoint of ${checkpoint.size} leaves`)
      } catch (error) {
        return faultOf(error, 'checkpoint', key)
      }
    },
    /** The object that says at which index a leaf stands. */
    indexOf: async (id: string): Promise<string | Finding> => {
      const key = keys.leafIndex(id)
      try {
        return Buffer.from(await read(key, 64)).toString()
      } catch (error) {
        return faultOf(error, 'log-index', key)
      }
    },
  }
}
export type StoredLog = ReturnType<typeof createStoredLog>

export const isFinding = (value: object): value is Finding => 'verdict' in value
