import { BartizanError } from '#services/errors.ts'
import type { EvidenceSource } from '#services/verify/read-objects.ts'

const storedAt = new Date(Date.UTC(2026, 0, 31, 13))

/** What a Map holds, as a store gives it: alterations by the thousand would take hours on a disk. */
export const mapSource = (objects: ReadonlyMap<string, Uint8Array>): EvidenceSource => {
  const keys = [...objects.keys()].sort()
  const bytesOf = (key: string): Uint8Array => {
    const bytes = objects.get(key)
    if (bytes) return bytes
    throw new BartizanError('BTZ_RECORDING_NOT_FOUND', `nothing under ${key}`)
  }
  const stored = (key: string) => ({ key, sizeBytes: bytesOf(key).byteLength, retainUntil: null, storedAt })
  return {
    locks: false,
    get: async (key, range) => {
      const bytes = bytesOf(key)
      const start = range && range.start < 0 ? Math.max(0, bytes.byteLength + range.start) : (range?.start ?? 0)
      return range ? bytes.subarray(start, start + range.length) : bytes
    },
    head: async (key) => (objects.has(key) ? stored(key) : null),
    list: async (prefix, { after = '', limit }) =>
      keys
        .filter((key) => key.startsWith(prefix) && key > after)
        .slice(0, limit)
        .map(stored),
  }
}
