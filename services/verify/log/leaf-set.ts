/** SHA-256 hashes, cut to 128 bits: nobody finds another input for one of ten million. */
const idBytes = 16
const fullest = 0.8
const smallest = 1024

const createTable = (capacity: number) => {
  const slots = Buffer.alloc(capacity * idBytes)
  const used = new Uint8Array(capacity)
  return {
    capacity,
    used,
    idAt: (slot: number): Buffer => slots.subarray(slot * idBytes, (slot + 1) * idBytes),
    /** The slot of the id, or the free one that it belongs into. */
    slotOf: (id: Buffer): number => {
      let slot = id.readUIntBE(0, 6) % capacity
      while (used[slot] !== 0 && id.compare(slots, slot * idBytes, (slot + 1) * idBytes, 0, idBytes) !== 0)
        slot = (slot + 1) % capacity
      return slot
    },
    put: (slot: number, id: Buffer, mark: number): void => {
      id.copy(slots, slot * idBytes, 0, idBytes)
      used[slot] = mark
    },
  }
}

const [there, ticked] = [1, 2]

/**
 * Which hashes there are, and which of them were ticked off: 22 bytes for each, so that a log of ten million leaves fits
 * into memory. `expected`: how many there may be; more are taken, too.
 */
export const createLeafSet = (expected = 0) => {
  let table = createTable(Math.max(smallest, Math.ceil((expected + 1) / fullest)))
  let size = 0
  let left = 0

  const widen = (): void => {
    const before = table
    table = createTable(before.capacity * 2)
    for (let slot = 0; slot < before.capacity; slot++) {
      const mark = before.used[slot]!
      if (mark !== 0) table.put(table.slotOf(before.idAt(slot)), before.idAt(slot), mark)
    }
  }
  return {
    add: (id: Buffer): void => {
      if (size + 1 > table.capacity * fullest) widen()
      const slot = table.slotOf(id)
      if (table.used[slot] !== 0) return
      table.put(slot, id, there)
      size++
      left++
    },
    has: (id: Buffer): boolean => table.used[table.slotOf(id)] !== 0,
    isTicked: (id: Buffer): boolean => table.used[table.slotOf(id)] === ticked,
    /** False: it is none of them. */
    tick: (id: Buffer): boolean => {
      const slot = table.slotOf(id)
      if (table.used[slot] === 0) return false
      if (table.used[slot] === there) left--
      table.used[slot] = ticked
      return true
    },
    /** How many were not ticked off. */
    left: () => left,
  }
}
export type LeafSet = ReturnType<typeof createLeafSet>
