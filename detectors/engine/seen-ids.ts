/** The last event ids, as 32 bits each: two of these thousand meet once in four million. */
export type SeenIds = { has(id: string): boolean; add(id: string): void; toJSON(): number[] }

const maxIds = 1_024

const bitsOf = (id: string): number => {
  let bits = 0x811c9dc5 // FNV-1a
  for (let at = 0; at < id.length; at++) bits = Math.imul(bits ^ id.charCodeAt(at), 0x01000193)
  return bits >>> 0
}

const firstLength = 16
/** From so many on it is counted how many of them share their last bits: hardly any search finds something. */
const countedLength = 64
const countedBits = 0xfff

export const createSeenIds = (before: readonly number[] = []): SeenIds => {
  // One for each of many thousand users: plain numbers in a row are found quickly enough, and a Set of them is ten times as large.
  let ring = new Uint32Array(firstLength)
  let length = 0
  let oldest = 0
  let counts: Uint16Array | null = null
  const isThere = (bits: number): boolean => {
    if (counts?.[bits & countedBits] === 0) return false
    const at = ring.indexOf(bits)
    return at >= 0 && at < length
  }
  const enlarge = (): void => {
    const larger = new Uint32Array(length * 2)
    larger.set(ring)
    ring = larger
    if (length < countedLength || counts) return
    counts = new Uint16Array(countedBits + 1)
    for (const bits of ring.subarray(0, length)) counts[bits & countedBits]!++
  }
  const remember = (bits: number): void => {
    if (isThere(bits)) return
    if (length === ring.length && length < maxIds) enlarge()
    if (counts) counts[bits & countedBits]!++
    if (length < maxIds) {
      ring[length++] = bits
      return
    }
    if (counts) counts[ring[oldest]! & countedBits]!--
    ring[oldest] = bits
    oldest = (oldest + 1) % maxIds
  }
  for (const bits of before) remember(bits)
  return {
    has: (id) => isThere(bitsOf(id)),
    add: (id) => remember(bitsOf(id)),
    toJSON: () => [...ring.subarray(oldest, length), ...ring.subarray(0, oldest)],
  }
}
