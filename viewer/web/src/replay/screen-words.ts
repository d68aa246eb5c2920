/** Where a piece of a line stands: the text node it is in, and its column. */
export type Piece<N> = { node: N; text: string; column: number }
export type Span<N> = { start: { node: N; offset: number }; end: { node: N; offset: number } }

/**
 * A line of the player's terminal, which draws text as pieces at columns, as one string; and for each of its characters
 * the piece and the place in it (null: a column between two pieces). Wide characters are pieces of their own.
 */
const joined = <N>(pieces: readonly Piece<N>[]) => {
  let text = ''
  const places: ({ piece: Piece<N>; offset: number } | null)[] = []
  let column = 0
  for (const piece of pieces) {
    const isAfterWide = piece.column === column + 1 && (text.codePointAt(text.length - 1) ?? 0) >= 0x1100
    const gap = isAfterWide ? 0 : Math.max(0, piece.column - column)
    text += ' '.repeat(gap)
    for (let i = 0; i < gap; i++) places.push(null)
    for (let offset = 0; offset < piece.text.length; offset++) places.push({ piece, offset })
    text += piece.text
    column = piece.column + [...piece.text].length
  }
  return { text, places }
}

/** Where these words stand in one line, whatever their case; a word may reach over several pieces. */
export const wordsInLine = <N>(pieces: readonly Piece<N>[], words: readonly string[]): Span<N>[] => {
  const { text, places } = joined(pieces)
  const line = text.toLowerCase()
  // Some letters change their length with their case; then places cannot be told.
  if (line.length !== text.length) return []
  const spans: Span<N>[] = []
  for (const word of words) {
    const wanted = word.toLowerCase()
    if (!wanted) continue
    for (let at = line.indexOf(wanted); at >= 0; at = line.indexOf(wanted, at + wanted.length)) {
      const [first, last] = [places[at], places[at + wanted.length - 1]]
      if (!first || !last) continue
      spans.push({
        start: { node: first.piece.node, offset: first.offset },
        end: { node: last.piece.node, offset: last.offset + 1 },
      })
    }
  }
  return spans
}
