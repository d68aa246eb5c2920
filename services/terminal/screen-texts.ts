import type { ScreenText } from '#services/schema/screen.ts'
import type { Emulator } from './emulator.ts'
import { createTextBudget, type Minute } from './text-budget.ts'

/**
 * The text that became visible. A line is told when the cursor leaves it by a line feed; what is drawn in any other way
 * (full-screen programs, progress bars, a prompt) when it has stood for a second, or once a second while there is no
 * rest. What is told is not told again as long as it stands. Depends on the events alone, not on when they were read.
 */
export type TextsState = {
  /** By row: what was told of it. */
  primary: string[]
  alternate: string[]
  /** Of an endless line: how far above the cursor the part ends that was told. */
  chainRows: number | null
  lastOutputUs: number
  lastSampleUs: number
  isChanged: boolean // since the last look at the whole screen
  minute: Minute | null
}

const restUs = 1_000_000
const leastBetweenUs = 250_000 // looks at a screen that is about to be left
const longestChain = 32 // rows: the terminal keeps 100 that have scrolled off
const pieceLength = 16 * 1024
const leaving = ['\x1b[?1049l', '\x1b[?1047l']
const keyLength = 200

/** What stands for a line when it is compared with another; what is kept of it is bounded. */
const keyOf = (line: string): string => (line.length > keyLength ? `${line.slice(0, keyLength)}${line.length}` : line)

export const createScreenTexts = ({ memory, write }: Pick<Emulator, 'memory' | 'write'>, saved: TextsState) => {
  const budget = createTextBudget(saved.minute)
  const told = { primary: [...saved.primary], alternate: [...saved.alternate] }
  let { lastOutputUs, lastSampleUs, isChanged } = saved
  let chainId = saved.chainRows === null ? null : memory.lineId(memory.cursor().row - saved.chainRows)

  /** The row with which the line begins that ends in this one. */
  const firstRow = (row: number): number => {
    const top = -memory.hiddenRows()
    let first = row
    while (first > top && memory.isWrapped(first - 1) && memory.lineId(first - 1) !== chainId) first--
    return first
  }
  const lineText = (first: number, last: number): string => {
    let text = ''
    // A wide character that found no room in the last column left it blank.
    for (let row = first; row < last; row++) text += memory.rowText(row, !memory.beginsWide(row + 1))
    return text + memory.rowText(last)
  }

  const leaveLine = (atUs: number): void => {
    const { row } = memory.cursor()
    const line = lineText(firstRow(row), row)
    const key = keyOf(line)
    if (line !== '' && told.primary[row] !== key) budget.tell(line, atUs)
    told.primary[row] = key
    chainId = null
    const { top, bottom } = memory.margins()
    if (row !== bottom) return
    told.primary.splice(top, 1)
    told.primary.splice(bottom, 0, '')
  }

  /** A line without an end is told in parts, before its beginning is forgotten. */
  const tellEndless = (atUs: number): void => {
    const { row } = memory.cursor()
    if (row - longestChain < -memory.hiddenRows() || !memory.isWrapped(row - 1)) return
    if (!memory.isWrapped(row - longestChain)) return
    const first = firstRow(row)
    if (row - first < longestChain) return
    budget.tell(lineText(first, row - 1), atUs)
    chainId = memory.lineId(row - 1)
  }

  const look = (atUs: number, withCursor: boolean): void => {
    const screen = memory.isAlternate() ? told.alternate : told.primary
    const known = new Set(screen)
    const skipped = withCursor ? -1 : memory.cursor().row
    let first = firstRow(0)
    for (let row = 0; row < memory.size().rows; row++) {
      if (memory.isWrapped(row) && row !== skipped) continue
      // What begins above the screen was told in parts, or is when the cursor leaves it.
      const line = row === skipped || first < 0 ? '' : lineText(first, row)
      const key = keyOf(line)
      if (line !== '' && !known.has(key)) budget.tell(line, atUs)
      if (row !== skipped) screen[row] = key
      first = row + 1
    }
    screen.length = memory.size().rows
    isChanged = false
  }

  /** Where the next piece ends: before what has to be looked at first. */
  const pieceEnd = (text: string, from: number): number => {
    if (memory.isAlternate()) {
      const piece = text.slice(from, from + pieceLength)
      const stops = leaving.map((sequence) => piece.indexOf(sequence, 1)).filter((at) => at > 0)
      return from + Math.min(piece.length, ...stops)
    }
    const feed = text.indexOf('\n', from + 1)
    return Math.min(feed < 0 ? text.length : feed, from + longestChain * memory.size().cols)
  }

  const beforePiece = (text: string, from: number, atUs: number): void => {
    if (!memory.isAlternate()) {
      if (text[from] === '\n' && memory.isClean()) leaveLine(atUs)
      return
    }
    if (!leaving.some((sequence) => text.startsWith(sequence, from)) || atUs - lastSampleUs < leastBetweenUs) return
    look(atUs, true)
    lastSampleUs = atUs
  }

  const settle = (nowUs: number): boolean => {
    if (!isChanged || nowUs - lastOutputUs < restUs) return false
    look(lastOutputUs, true)
    lastSampleUs = lastOutputUs + restUs // whenever it is noticed
    budget.flush()
    return true
  }

  return {
    /** Before any event at that time is taken. */
    settle,
    output: (text: string, atUs: number): void => {
      if (isChanged && atUs - lastSampleUs >= restUs) {
        look(lastOutputUs, memory.isAlternate())
        lastSampleUs = atUs
      }
      for (let from = 0; from < text.length; ) {
        beforePiece(text, from, atUs)
        const wasAlternate = memory.isAlternate()
        const end = pieceEnd(text, from)
        write(text.slice(from, end))
        from = end
        if (memory.isAlternate() !== wasAlternate) {
          chainId = null
          told.alternate.length = 0
        } else if (!wasAlternate) tellEndless(atUs)
      }
      lastOutputUs = atUs
      isChanged = true
      budget.flush()
    },
    /** After the terminal has another size, or is another. */
    resized: (): void => {
      chainId = null
      told.primary.length = Math.min(told.primary.length, memory.size().rows)
      told.alternate.length = Math.min(told.alternate.length, memory.size().rows)
    },
    drain: (): ScreenText[] => budget.drain(),
    saved: (): TextsState => {
      const { row } = memory.cursor()
      let above = 1
      while (chainId !== null && above <= row + memory.hiddenRows() && memory.lineId(row - above) !== chainId) above++
      const isChained = chainId !== null && above <= row + memory.hiddenRows()
      return {
        ...{
          primary: Array.from(told.primary, (key) => key ?? ''),
          alternate: Array.from(told.alternate, (key) => key ?? ''),
        },
        chainRows: isChained ? above : null,
        ...{ lastOutputUs, lastSampleUs, isChanged, minute: budget.saved() },
      }
    },
  }
}
export type ScreenTexts = ReturnType<typeof createScreenTexts>
