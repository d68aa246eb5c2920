import { charWidth } from './char-width.ts'
import { noPartial, type PartialChar } from './utf8.ts'

/**
 * What the terminal shows of the line the cursor is on, and of the rows this line is wrapped over: enough to read what
 * a shell's line editor shows, no emulator.
 */
export type EchoScreen = {
  cols: number
  rows: string[][] // one entry per column; '' = right half of the wide character before
  row: number
  col: number
  wraps: boolean // the last column was written: the next character goes to a new row
  inverse: boolean
  isWide: boolean // some character on it takes two columns
  alternate: boolean // a full-screen program shows its own screen
  editor: 'unknown' | 'on' | 'off' // a line editor has switched bracketed paste on, or off again
  phase: 'ground' | 'escape' | 'csi' | 'string' | 'charset'
  params: string
  partial: PartialChar
}

const limits = { rows: 128, cells: 6144, cols: 1000, cellChars: 4 } as const

export const newEchoScreen = (cols: number | null): EchoScreen => ({
  cols: 80,
  ...(cols === null ? {} : { cols: clampCols(cols) }),
  rows: [[]],
  row: 0,
  col: 0,
  wraps: false,
  inverse: false,
  isWide: false,
  alternate: false,
  editor: 'unknown',
  phase: 'ground',
  params: '',
  partial: noPartial(),
})

const clampCols = (cols: number): number => Math.min(Math.max(cols, 2), limits.cols)
export const resize = (screen: EchoScreen, cols: number): void => {
  screen.cols = clampCols(cols)
}

export const clearRows = (screen: EchoScreen, col = 0): void => {
  screen.isWide = false
  screen.rows = [[]]
  screen.row = 0
  screen.col = Math.min(col, screen.cols - 1)
  screen.wraps = false
}

const rowText = (row: string[]): string => row.join('')
export const shownText = ({ rows }: EchoScreen): string => rows.map(rowText).join('')
export const textBeforeCursor = ({ rows, row, col }: EchoScreen): string =>
  rows.slice(0, row).map(rowText).join('') + rowText(rows[row]!.slice(0, col))

const current = (screen: EchoScreen): string[] => screen.rows[screen.row]!
const isBlank = (row: string[]): boolean => row.every((cell) => cell === ' ' || cell === '')

/** False at the last row that shows anything. */
export const hasRowsBelow = ({ rows, row }: EchoScreen): boolean => rows.slice(row + 1).some((below) => !isBlank(below))

export const moveDown = (screen: EchoScreen, count = 1): void => {
  screen.row = Math.min(screen.row + count, screen.rows.length - 1)
  screen.wraps = false
}
const moveUp = (screen: EchoScreen, count: number): void => {
  screen.row = Math.max(0, screen.row - count)
  screen.wraps = false
}
const moveTo = (screen: EchoScreen, col: number): void => {
  screen.col = Math.min(Math.max(0, col), screen.cols - 1)
  screen.wraps = false
}

const downOne = (screen: EchoScreen): void => {
  screen.row++
  screen.wraps = false
  if (screen.row === screen.rows.length) screen.rows.push([])
  if (screen.rows.length > limits.rows || screen.rows.length * screen.cols > limits.cells + screen.cols) {
    screen.rows.shift()
    screen.row--
  }
}
const nextRow = (screen: EchoScreen): void => {
  downOne(screen)
  screen.col = 0
}
/** What a terminal does where a line editor makes room below its line: the rows above stay. */
export const feedLine = downOne

/** Keeps the row of the cursor alone. */
export const keepRow = (screen: EchoScreen): void => {
  screen.rows = [current(screen)]
  screen.row = 0
}

const pad = (row: string[], length: number): void => {
  while (row.length < length) row.push(' ')
}

const combine = (screen: EchoScreen, mark: string): void => {
  const row = current(screen)
  let at = screen.wraps ? screen.col : screen.col - 1
  if (row[at] === '') at--
  const cell = row[at]
  if (cell && cell.length < limits.cellChars) row[at] = cell + mark
}

export const put = (screen: EchoScreen, char: string): void => {
  const width = charWidth(char)
  if (width === 0) {
    combine(screen, char)
    return
  }
  if (screen.wraps || screen.col + width > screen.cols) {
    if (!screen.wraps) current(screen)[screen.col] = '' // no room for a wide one: the row is full all the same
    nextRow(screen)
  }
  const row = current(screen)
  pad(row, screen.col)
  if (width === 2) screen.isWide = true
  if (screen.isWide) unwiden(row, screen.col, width)
  row[screen.col] = char
  if (width === 2) row[screen.col + 1] = ''
  screen.col += width
  if (screen.col < screen.cols) return
  screen.col = screen.cols - 1
  screen.wraps = true
}

/** Half of a wide character that is written over leaves a blank. */
const unwiden = (row: string[], col: number, width: 1 | 2): void => {
  if (row[col] === '' && isWide(row[col - 1])) row[col - 1] = ' '
  if (isWide(row[col + width - 1])) row[col + width] = ' '
}
const isWide = (cell: string | undefined): boolean =>
  cell !== undefined && cell >= '\u0300' && charWidth(String.fromCodePoint(cell.codePointAt(0)!)) === 2

const ascii = Array.from({ length: 127 }, (_, code) => String.fromCharCode(code))

/** Puts printable ASCII from `from` on, as much as there is. Returns where it ends. */
export const putAscii = (screen: EchoScreen, bytes: Uint8Array, from: number): number => {
  let at = from
  for (let byte = bytes[at]!; byte >= 0x20 && byte < 0x7f; byte = bytes[++at]!) {
    if (screen.wraps) nextRow(screen)
    const row = current(screen)
    if (row.length < screen.col) pad(row, screen.col)
    if (screen.isWide) unwiden(row, screen.col, 1)
    // zsh fills the last column with this, where a wide character goes to the next row.
    row[screen.col] = screen.inverse && byte === 32 && screen.col === screen.cols - 1 ? '' : ascii[byte]!
    if (screen.col + 1 < screen.cols) screen.col++
    else screen.wraps = true
  }
  return at
}

/** Backspace, carriage return, tab. */
export const control = (screen: EchoScreen, byte: number): void => {
  if (byte === 13) moveTo(screen, 0)
  else if (byte === 8) moveTo(screen, screen.col - 1)
  else if (byte === 9) moveTo(screen, (Math.floor(screen.col / 8) + 1) * 8)
}

const eraseInRow = (screen: EchoScreen, mode: number): void => {
  const row = current(screen)
  if (mode === 0) row.length = Math.min(row.length, screen.col)
  else row.fill(' ', 0, mode === 1 ? screen.col + 1 : row.length)
}

const eraseInScreen = (screen: EchoScreen, mode: number): void => {
  if (mode === 0) {
    eraseInRow(screen, 0)
    screen.rows.length = screen.row + 1
  } else clearRows(screen, screen.col)
}

const blanks = (count: number): string[] => Array.from({ length: count }, () => ' ')

const insertBlanks = (screen: EchoScreen, count: number): void => {
  const row = current(screen)
  pad(row, screen.col)
  row.splice(screen.col, 0, ...blanks(Math.min(count, screen.cols)))
  row.length = Math.min(row.length, screen.cols)
}

const setInverse = (screen: EchoScreen, params: string): void => {
  if (params === '7') screen.inverse = true
  else if (params === '27' || params === '0' || params === '') screen.inverse = false
}

type Act = (screen: EchoScreen, n: number, params: string) => void
/** CSI sequences (ECMA-48) by their last character. A jump to anywhere begins anew: it is no line editor's. */
const jump: Act = (screen, _n, params) => clearRows(screen, (Number.parseInt(params.split(';')[1] ?? '', 10) || 1) - 1)
const acts = new Map<string, Act>([
  ['A', moveUp],
  ['B', moveDown],
  ['C', (screen, n) => moveTo(screen, screen.col + n)],
  ['D', (screen, n) => moveTo(screen, screen.col - n)],
  ['G', (screen, n) => moveTo(screen, n - 1)],
  ['H', jump],
  ['f', jump],
  ['d', jump],
  ['J', (screen, _n, params) => eraseInScreen(screen, Number.parseInt(params, 10) || 0)],
  ['K', (screen, _n, params) => eraseInRow(screen, Number.parseInt(params, 10) || 0)],
  ['P', (screen, n) => void current(screen).splice(screen.col, n)],
  ['X', (screen, n) => void current(screen).fill(' ', screen.col, screen.col + n)],
  ['@', insertBlanks],
  ['m', (screen, _n, params) => setInverse(screen, params)],
])

export const csi = (screen: EchoScreen, final: string, params: string): void =>
  acts.get(final)?.(screen, Math.min(Math.max(Number.parseInt(params, 10) || 1, 1), limits.cols), params)
