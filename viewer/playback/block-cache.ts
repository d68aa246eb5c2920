import type { BlockRow } from '#services/catalog/catalog.ts'
import type { Clock } from '#services/clock.ts'
import type { KeyStore } from '#services/keys/key-store.ts'
import { readBatches } from '#services/recordings/format/block.ts'
import type { RecordingReader } from '#services/recordings/recording-store.ts'

/** The finished bytes of a block's batches, in order. */
export type BlockReader = (block: BlockRow) => Promise<Iterable<Uint8Array>>

export type BlockSource = { recordings: Pick<RecordingReader, 'get'>; keys: Pick<KeyStore, 'get'> }

/** Block by block, for who reads a recording once and from end to end. @throws BTZ_KEY_DESTROYED BTZ_EVIDENCE_CORRUPT */
export const readBlocks =
  ({ recordings, keys }: BlockSource): BlockReader =>
  async (block) => {
    // Asked for each time: who began to read before an erasure gets no more of it.
    const key = await keys.get(`session:${block.sessionId}`)
    return readBatches(await recordings.get(block.key), key)
  }

type Held = { batches: Promise<Uint8Array[]>; sizeBytes: number; usedAtMs: number }

/**
 * As readBlocks, for segments that lie side by side in one block: what was read last stays for a minute, at most
 * `maxBytes` of it (the block that is asked for counts from when it was read). The key is asked for each time.
 */
export const createBlockCache = (
  source: BlockSource & { clock: Clock },
  { maxBytes, forMs }: { maxBytes: number; forMs: number },
): BlockReader => {
  const { clock, keys } = source
  const held = new Map<string, Held>()
  const read = readBlocks(source)

  const dropOld = (): void => {
    let sum = [...held.values()].reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0)
    for (const [key, { sizeBytes, usedAtMs }] of held) {
      if (sum <= maxBytes && Math.abs(clock.now() - usedAtMs) <= forMs) continue
      held.delete(key)
      sum -= sizeBytes
    }
  }
  /** Also when nobody reads on: what was recorded is in no memory longer than it has to be. */
  let isSweepDue = false
  const sweepLater = (): void => {
    if (isSweepDue) return
    isSweepDue = true
    setTimeout(() => {
      isSweepDue = false
      dropOld()
      if (held.size > 0) sweepLater()
    }, forMs).unref()
  }
  const load = (block: BlockRow): Held => {
    sweepLater()
    const entry: Held = { batches: read(block).then((batches) => [...batches]), sizeBytes: 0, usedAtMs: clock.now() }
    entry.batches.then(
      (batches) => {
        entry.sizeBytes = batches.reduce((bytes, { byteLength }) => bytes + byteLength, 0)
        dropOld()
      },
      () => held.delete(block.key),
    )
    return entry
  }
  return async (block) => {
    await keys.get(`session:${block.sessionId}`)
    dropOld()
    const entry = held.get(block.key) ?? load(block)
    entry.usedAtMs = clock.now()
    held.delete(block.key)
    held.set(block.key, entry)
    return entry.batches
  }
}
