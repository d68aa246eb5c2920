/** Messages of ALiS v1 as asciinema 3 writes them (src/alis.rs). */

export const number = (value: bigint | number): number[] => {
  const bytes: number[] = []
  let left = BigInt(value)
  do {
    bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0))
    left >>= 7n
  } while (left > 0n)
  return bytes
}
export const text = (value: string | Uint8Array): Uint8Array => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Uint8Array.from(number(bytes.length)), bytes])
}
export const message = (...parts: (number | number[] | Uint8Array)[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(typeof part === 'number' ? [part] : part))))
export const kind = (letter: string): number => letter.charCodeAt(0)
export const magic = Buffer.from('ALiS\x01', 'latin1')
export const init = (lastId: number, timeUs: bigint, screen = '', theme: number[] = [0]) =>
  message(1, number(lastId), number(timeUs), number(80), number(24), theme, text(screen))
