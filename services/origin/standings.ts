import type { Clock } from '../clock.ts'
import { hasCode } from '../errors.ts'

/** Of a key: whether what it signed is to be taken. */
export type Standing = 'good' | 'revoked' | 'unknown'

const goodMs = 30_000
const badMs = 2_000
const outageMs = 3_600_000
const maxEntries = 10_000

type Entry = { standing: Standing; askedMs: number; learntMs: number }

/**
 * What the state store says of keys, remembered for a moment: records must not cost a query each. While the store is
 * away, a key that was good within the last hour stays good: recording must not wait for it.
 */
export const createStandings = (look: (name: string) => Promise<Standing>, clock: Clock) => {
  const entries = new Map<string, Entry>()
  const isWithin = (sinceMs: number, limitMs: number): boolean => Math.abs(clock.now() - sinceMs) < limitMs
  const keep = (name: string, standing: Standing): Standing => {
    entries.delete(name)
    entries.set(name, { standing, askedMs: clock.now(), learntMs: clock.now() })
    if (entries.size > maxEntries) entries.delete(entries.keys().next().value!)
    return standing
  }
  return async (name: string): Promise<Standing> => {
    const known = entries.get(name)
    if (known && isWithin(known.askedMs, known.standing === 'good' ? goodMs : badMs)) return known.standing
    try {
      return keep(name, await look(name))
    } catch (error) {
      const mayStay = known?.standing === 'good' && isWithin(known.learntMs, outageMs)
      if (!mayStay || !hasCode(error, 'BTZ_UNAVAILABLE')) throw error
      known.askedMs = clock.now()
      return known.standing
    }
  }
}
