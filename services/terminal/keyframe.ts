import { gridSequence, penSequence, plainPen } from './keyframe-grid.ts'
import { cellWords, type SavedCursor, type TerminalState } from './terminal-state.ts'

const csi = (parameters: string): string => `\x1b[${parameters}`
const position = (row: number, col: number): string => csi(`${row + 1};${col + 1}H`)

/** As a new terminal has them. */
const usualTabs = (cols: number): number[] =>
  Array.from({ length: Math.max(0, Math.ceil((cols - 8) / 8)) }, (_, i) => 8 * (i + 1))

const tabSequence = ({ tabs, cols }: TerminalState): string =>
  tabs.join() === usualTabs(cols).join()
    ? ''
    : `${csi('3g')}${tabs.map((col) => `${csi(`${col + 1}G`)}\x1bH`).join('')}${csi('H')}`

const isUsual = ({ col, row, pen, isOrigin, isAutoWrap }: SavedCursor): boolean =>
  col === 0 && row === 0 && penSequence(pen) === penSequence(plainPen) && !isOrigin && isAutoWrap

/** Without margins, origin mode moves nothing: so it is saved before they are set. */
const saveSequence = (saved: SavedCursor): string => {
  if (isUsual(saved)) return ''
  const modes = (saved.isOrigin ? csi('?6h') : '') + (saved.isAutoWrap ? '' : csi('?7l'))
  return `${modes}${position(saved.row, saved.col)}${penSequence(saved.pen)}\x1b7${csi('m')}${csi('?7h')}${csi('?6l')}`
}

const screens = (state: TerminalState): string => {
  const { alternate, saved } = state
  const primary = gridSequence(state.primary) + tabSequence(state) + saveSequence(saved.primary)
  if (alternate)
    return `${primary}${csi('?1047h')}${csi('H')}${gridSequence(alternate)}${saveSequence(saved.alternate)}`
  if (isUsual(saved.alternate)) return primary
  return `${primary}${csi('?1047h')}${saveSequence(saved.alternate)}${csi('?1047l')}`
}

/** A character in the last column is written again: only writing leaves the cursor behind it. */
const pendingWrap = (state: TerminalState): string => {
  const { cursor, cols } = state
  if (cursor.col < cols) return ''
  const { lines, rows } = state.alternate ?? state.primary
  const { cells } = lines[lines.length - rows + cursor.row]!
  const isWide = cells[(cols - 1) * cellWords + 1] === 0
  const at = (cols - (isWide ? 2 : 1)) * cellWords
  const pen = { fg: cells[at + 2]!, bg: cells[at + 3]!, attributes: cells[at + 4]! }
  return `${isWide ? csi('D') : ''}${penSequence(pen)}${String.fromCodePoint(cells[at]!)}`
}

const cursorSequence = (state: TerminalState): string => {
  const { cursor, topMargin, bottomMargin, rows, isOrigin } = state
  const hasMargins = topMargin > 0 || bottomMargin < rows - 1
  const margins = hasMargins ? csi(`${topMargin + 1};${bottomMargin + 1}r`) : ''
  const row = isOrigin ? cursor.row - topMargin : cursor.row
  return `${margins}${isOrigin ? csi('?6h') : ''}${position(Math.max(row, 0), cursor.col)}${pendingWrap(state)}`
}

const modes = (state: TerminalState): string => {
  const [g0, g1] = state.isDrawing
  return [
    penSequence(state.pen),
    g0 ? '\x1b(0' : '',
    g1 ? '\x1b)0' : '',
    state.activeCharset === 1 ? '\x0e' : '',
    state.isInsert ? csi('4h') : '',
    state.isNewLine ? csi('20h') : '',
    state.isAutoWrap ? '' : csi('?7l'),
    state.isCursorKeys ? csi('?1h') : '',
    state.cursor.isVisible ? '' : csi('?25l'),
  ].join('')
}

/** The control sequences that bring an empty terminal of the state's size to this state. */
export const keyframeSequence = (state: TerminalState): string => screens(state) + cursorSequence(state) + modes(state)

/** A terminal of that size, made or resized to it, is to be given the sequence. */
export type KeyframeStep = { cols: number; rows: number; sequence: string }

/**
 * The same, also where the hidden screen keeps a size that is not that of the shown one any more: it is written while the
 * terminal has it, as no sequence changes the size.
 */
export const keyframeSteps = (state: TerminalState): KeyframeStep[] => {
  const { primary, alternate, cols, rows, saved } = state
  if (!alternate || (primary.cols === cols && primary.rows === rows))
    return [{ cols, rows, sequence: keyframeSequence(state) }]
  const hidden = gridSequence(primary) + saveSequence(saved.primary) + csi('?1047h')
  const shown = csi('H') + tabSequence(state) + gridSequence(alternate) + saveSequence(saved.alternate)
  return [
    { cols: primary.cols, rows: primary.rows, sequence: hidden },
    { cols, rows, sequence: shown + cursorSequence(state) + modes(state) },
  ]
}
