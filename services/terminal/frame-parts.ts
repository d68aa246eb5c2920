const partBytes = 16 * 1024
const searchedBytes = 4 * 1024
const [lineFeed, carriageReturn, esc] = [0x0a, 0x0d, 0x1b]

/** Where output is best cut: between lines, or before a sequence; never between CR and LF, which are one thing. */
const endOf = (data: Uint8Array, from: number): number => {
  const end = from + partBytes
  if (end >= data.byteLength) return data.byteLength
  const feed = data.lastIndexOf(lineFeed, end - 1)
  if (feed >= end - searchedBytes) return feed + 1
  const sequence = data.lastIndexOf(esc, end - 1)
  if (sequence >= end - searchedBytes) return sequence
  return data[end - 1] === carriageReturn ? end - 1 : end
}

/** First and behind the last byte of parts of at most 16 KiB. */
export const partsOf = (data: Uint8Array): [from: number, end: number][] => {
  const parts: [number, number][] = []
  for (let from = 0; from < data.byteLength; ) {
    const end = endOf(data, from)
    parts.push([from, end])
    from = end
  }
  return parts
}
