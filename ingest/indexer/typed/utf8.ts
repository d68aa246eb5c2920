/** A character that is still incomplete: bytes to come, and the bits so far. Survives the end of a frame. */
export type PartialChar = { missing: number; code: number }
export const noPartial = (): PartialChar => ({ missing: 0, code: 0 })

const replacement = '\ufffd'
const isScalar = (code: number): boolean => code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)

/**
 * Takes one byte ≥ 0x80. Returns the character it completes, U+FFFD for a byte that can be none, null while more is
 * to come. Overlong forms are not told apart: this text is searched, not trusted.
 */
export const takeByte = (partial: PartialChar, byte: number): string | null => {
  if ((byte & 0xc0) === 0x80) {
    if (partial.missing === 0) return replacement
    partial.code = (partial.code << 6) | (byte & 0x3f)
    partial.missing--
    if (partial.missing > 0) return null
    return isScalar(partial.code) ? String.fromCodePoint(partial.code) : replacement
  }
  partial.missing = byte >= 0xf8 ? 0 : byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1
  partial.code = byte & (0x3f >> partial.missing)
  return byte >= 0xf8 ? replacement : null
}
