/** Words of a cell: code point, width (0: right half of a wide character), foreground, background, attributes. */
export const cellWords = 5
export const noColor = 2

/**
 * Colors: lowest byte 0 = of the palette, number in the second byte; 1 = RGB in the three others; 2 = none.
 * Attributes: lowest byte 0 normal, 1 bold, 2 faint; second byte italic 1, underline 2, strikethrough 4, blink 8, inverse 16.
 */
export type Pen = { fg: number; bg: number; attributes: number }

export type Line = { cells: Uint32Array; isWrapped: boolean }
/** The last `rows` lines are shown, the others have scrolled off. */
export type Grid = { cols: number; rows: number; lines: Line[] }

export type SavedCursor = { col: number; row: number; pen: Pen; isOrigin: boolean; isAutoWrap: boolean }

/** All that the player's terminal knows, but what it does not use any more: the alternate screen that is not shown. */
export type TerminalState = {
  cols: number
  rows: number
  isAlternate: boolean
  primary: Grid
  alternate: Grid | null
  cursor: { col: number; row: number; isVisible: boolean } // col = cols: the next character wraps
  saved: { primary: SavedCursor; alternate: SavedCursor }
  pen: Pen
  isDrawing: [g0: boolean, g1: boolean] // DEC line drawing
  activeCharset: number
  tabs: number[]
  topMargin: number
  bottomMargin: number
  isInsert: boolean
  isOrigin: boolean
  isAutoWrap: boolean
  isNewLine: boolean
  isCursorKeys: boolean
}

const sameWords = (a: Uint32Array, b: Uint32Array): boolean =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0

const sameGrid = (a: Grid | null, b: Grid | null): boolean => {
  if (a === null || b === null) return a === b
  return (
    a.cols === b.cols &&
    a.rows === b.rows &&
    a.lines.length === b.lines.length &&
    a.lines.every((line, i) => line.isWrapped === b.lines[i]!.isWrapped && sameWords(line.cells, b.lines[i]!.cells))
  )
}

/** Whether both go on alike whatever comes. */
export const sameState = (a: TerminalState, b: TerminalState): boolean => {
  const { primary: primaryA, alternate: alternateA, ...restA } = a
  const { primary: primaryB, alternate: alternateB, ...restB } = b
  return (
    JSON.stringify(restA) === JSON.stringify(restB) && sameGrid(primaryA, primaryB) && sameGrid(alternateA, alternateB)
  )
}
