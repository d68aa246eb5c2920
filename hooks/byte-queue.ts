/** Bytes that come in pieces of any size and are taken in pieces of a known one; nothing is copied twice. */
export const createByteQueue = () => {
  let pieces: Buffer[] = []
  let first = 0 // index of the oldest piece: shifting an array of thousands each time would be quadratic
  let length = 0

  const next = (count: number): Buffer => {
    const piece = pieces[first]!
    if (piece.length > count) {
      pieces[first] = piece.subarray(count)
      return piece.subarray(0, count)
    }
    first++
    if (first >= 1024) {
      pieces = pieces.slice(first)
      first = 0
    }
    return piece
  }
  return {
    get length() {
      return length
    },
    /** The memory of `piece` must not be used again by its owner. */
    push: (piece: Buffer): void => {
      if (piece.length === 0) return
      pieces.push(piece)
      length += piece.length
    },
    /** The oldest `count` bytes; null: there are fewer. */
    take: (count: number): Buffer | null => {
      if (count > length) return null
      const taken: Buffer[] = []
      for (let left = count; left > 0; ) {
        const piece = next(left)
        taken.push(piece)
        left -= piece.length
      }
      length -= count
      return taken.length === 1 ? taken[0]! : Buffer.concat(taken, count)
    },
  }
}
