// Keys that are held down in vim, less and menus. A key repeated on the last line is one try, not many keys:
// nobody's password is jjjjjj, while digits are none of them, since a PIN may be 1111.
const movements = new Set(Buffer.from('hjklwbenN{}()+- '))

/** @param previous the byte typed before; @returns keys, a held movement key counted once */
export const countKeys = (bytes: Uint8Array, previous: number): number => {
  let count = 0
  let before = previous
  for (const byte of bytes) {
    const continues = (byte & 0xc0) === 0x80 // UTF-8
    if (!continues && !(byte === before && movements.has(byte))) count++
    before = byte
  }
  return count
}
