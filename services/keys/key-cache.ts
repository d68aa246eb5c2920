import type { Clock } from '../clock.ts'

const maxEntries = 1024
/** Another process may destroy a key: what is cached is trusted only this long. */
const maxAgeMs = 5_000

/** The keys used last; `null` = destroyed, which a slower read of the same key cannot overwrite. */
export const createKeyCache = (clock: Clock) => {
  const entries = new Map<string, { key: Uint8Array | null; atMs: number }>()
  const get = (id: string): Uint8Array | null | undefined => {
    const entry = entries.get(id)
    if (!entry) return undefined
    entries.delete(id)
    if (Math.abs(clock.now() - entry.atMs) > maxAgeMs) return undefined
    entries.set(id, entry)
    return entry.key
  }
  const set = (id: string, key: Uint8Array | null): void => {
    if (key !== null && get(id) === null) return
    entries.delete(id)
    entries.set(id, { key, atMs: clock.now() })
    if (entries.size > maxEntries) entries.delete(entries.keys().next().value!)
  }
  return { get, set, clear: () => entries.clear() }
}
