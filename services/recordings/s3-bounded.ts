/** A map of at most `maxEntries`; the oldest goes first. */
export const createBounded = <T>(maxEntries: number) => {
  const entries = new Map<string, T>()
  return {
    get: (key: string): T | undefined => entries.get(key),
    set: (key: string, value: T): void => {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size > maxEntries) entries.delete(entries.keys().next().value!)
    },
    delete: (key: string): void => void entries.delete(key),
  }
}
