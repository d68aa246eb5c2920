import { createEmulator, type Emulator } from './emulator.ts'
import { keyframeSequence } from './keyframe.ts'
import { cellWords, type Grid, type Line, noColor, type TerminalState } from './terminal-state.ts'

const blankLine = (cols: number): Line => {
  const cells = new Uint32Array(cols * cellWords)
  for (let col = 0; col < cols; col++) cells.set([0x20, 1, noColor, noColor, 0], col * cellWords)
  return { cells, isWrapped: false }
}
const blank = ({ cols, rows }: Grid): Grid => ({
  cols,
  rows,
  lines: Array.from({ length: rows }, () => blankLine(cols)),
})
const dot = 0xb7

/** As long as it was, since that says what moves where when the terminal gets another size; of its text nothing. */
const dotted = ({ cells, isWrapped }: Line): Line => {
  const line = blankLine(cells.length / cellWords)
  let length = cells.length / cellWords
  while (length > 0 && cells[(length - 1) * cellWords] === 0x20) length--
  for (let col = 0; col < length; col++) line.cells[col * cellWords] = dot
  return { ...line, isWrapped }
}

/** Lines that have scrolled off come back when the terminal is made larger. */
const withoutScrolledOff = (grid: Grid): Grid => {
  const hidden = grid.lines.length - grid.rows
  return { ...grid, lines: grid.lines.map((line, at) => (at < hidden ? dotted(line) : line)) }
}

/** `withHidden`: with the screen under a full-screen program. */
const shownOnly = (state: TerminalState, withHidden: boolean): TerminalState => {
  const { primary, saved, isAlternate } = state
  if (!isAlternate || withHidden) return { ...state, primary: withoutScrolledOff(primary) }
  return { ...state, primary: blank(primary), saved: { ...saved, primary: saved.alternate } }
}

/**
 * A keyframe for who may see what is on the screen and nothing of before: of lines that have scrolled off only how long they are, and of the
 * screen under a full-screen program only what is asked for.
 */
export const shownKeyframe = (emulator: Emulator, { withHidden }: { withHidden: boolean }): string => {
  // Restored, the hidden screen has the size of the one that is shown.
  const restored = createEmulator({ ...emulator.size(), init: emulator.keyframe() })
  try {
    return keyframeSequence(shownOnly(restored.memory.state(), withHidden)) + restored.memory.openSequence()
  } finally {
    restored.dispose()
  }
}
