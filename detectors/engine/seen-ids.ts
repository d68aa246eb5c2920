/** The last event ids, as 32 bits each: two of these thousand meet once in four million. */
export type SeenIds = { has(id: string): boolean; add(id: string): void; toJSON(): number[] }

const maxIds = 1_024

const bitsOf = (id: string): number => {
  let bits = 0x811c9dc5 // FNV-1a
  for (let at = 0; at < id.length; at++) bits = Math.imul(bits ^ id.charCodeAt(at), 0x01000193)
  return bits >>> 0
}

export const createSeenIds = (before: readonly number[] = []): SeenIds => {
  const ids = new Set<number>()
  // Which is the oldest is kept apart: a Set finds its first member by walking over all that were deleted before it.
  const ring: number[] = []
  let oldest = 0
  const remember = (bits: number): void => {
    if (ids.has(bits)) return
    ids.add(bits)
    if (ring.length < maxIds) {
      ring.push(bits)
      return
    }
    ids.delete(ring[oldest]!)
    ring[oldest] = bits
    oldest = (oldest + 1) % maxIds
  }
  for (const bits of before) remember(bits)
  return {
    has: (id) => ids.has(bitsOf(id)),
    add: (id) => remember(bitsOf(id)),
    toJSON: () => [...ring.slice(oldest), ...ring.slice(0, oldest)],
  }
}
