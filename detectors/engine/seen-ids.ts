/** The last event ids, as 32 bits each: two of these thousand meet once in four million. */
export type SeenIds = { has(id: string): boolean; add(id: string): void; toJSON(): number[] }

const maxIds = 1_024

const bitsOf = (id: string): number => {
  let bits = 0x811c9dc5 // FNV-1a
  for (let at = 0; at < id.length; at++) bits = Math.imul(bits ^ id.charCodeAt(at), 0x01000193)
  return bits >>> 0
}

export const createSeenIds = (before: readonly number[] = []): SeenIds => {
  const ids = new Set(before.slice(-maxIds))
  return {
    has: (id) => ids.has(bitsOf(id)),
    add: (id) => {
      ids.add(bitsOf(id))
      if (ids.size > maxIds) ids.delete(ids.values().next().value!)
    },
    toJSON: () => [...ids],
  }
}
