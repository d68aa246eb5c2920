const newline = 10

/** `text`: without its line end. `bytes`: how long it was; `cut`: too long, and not kept. */
export type CastLine = { text: string; bytes: number; cut: boolean; ended: boolean }

/** Lines of UTF-8. What is no UTF-8 becomes U+FFFD, as in everything else of this format. */
export const createCastLines = (maxBytes: number) => {
  let held: Buffer[] = []
  let bytes = 0

  const hold = (piece: Buffer): void => {
    bytes += piece.length
    if (bytes > maxBytes) held = []
    else if (piece.length > 0) held.push(piece)
  }
  const finish = (ended: boolean): CastLine => {
    const cut = bytes > maxBytes
    const text = Buffer.concat(held).toString('utf8').replace(/\r$/, '')
    const line = { text, bytes, cut, ended }
    held = []
    bytes = 0
    return line
  }
  return {
    /** `chunk` is kept. */
    push: (chunk: Buffer): CastLine[] => {
      const lines: CastLine[] = []
      let start = 0
      for (let stop = chunk.indexOf(newline); stop >= 0; stop = chunk.indexOf(newline, start)) {
        hold(chunk.subarray(start, stop))
        lines.push(finish(true))
        start = stop + 1
      }
      hold(chunk.subarray(start))
      return lines
    },
    rest: (): CastLine | null => (bytes === 0 ? null : finish(false)),
  }
}
