import { openSequence } from './open-sequence.ts'
import {
  cellWords,
  type Grid,
  type Line,
  noColor,
  type Pen,
  type SavedCursor,
  type TerminalState,
} from './terminal-state.ts'

/**
 * Where the player's terminal keeps its state in its WebAssembly memory: byte offsets from the pointer that `create`
 * returns, found by feeding sequences and looking at what changed. They hold for the one binary that player-wasm.ts
 * accepts. Names are those of avt 0.16 (src/terminal.rs, buffer.rs, line.rs, cell.rs, pen.rs, parser.rs).
 */
const at = {
  buffer: 4, // the shown one
  otherBuffer: 40,
  tabs: 84,
  cursor: 108,
  savedCtx: 120, // of the shown screen
  alternateSavedCtx: 140, // of the other
  cols: 160,
  rows: 164,
  activeCharset: 168,
  topMargin: 172,
  bottomMargin: 176,
  charsets: 180,
  pen: 182,
  isAlternate: 192,
  insertMode: 193,
  originMode: 194,
  autoWrapMode: 195,
  newLineMode: 196,
  cursorKeysMode: 197,
  intermediate: 200,
  parameters: 204,
  parameterNumber: 716,
  parserState: 720,
} as const
const inBuffer = { lines: 16 - 4, cols: 28 - 4, rows: 32 - 4 } as const
const vec = { pointer: 4, length: 8 } as const
const lineBytes = 16
const wrappedInLine = 12
const parameterBytes = 16 // number of the current part, then up to 6 parts of 16 bits
const noCharacter = 0x110000

// Bytes that a color or pen does not use hold whatever was there before.
const color = (word: number): number => {
  const kind = word & 0xff
  if (kind === noColor) return noColor
  return kind === 0 ? word & 0xffff : word
}
const attributes = (word: number): number => word & 0xffff

const longestRow = 1000 // as terminal-size.ts has it
const units = new Uint16Array(2 * longestRow)
const unitBytes = Buffer.from(units.buffer)

const cellsText = (words: Uint32Array, from: number, to: number, isWhole: boolean): string => {
  let end = to
  while (!isWhole && end > from && words[end - cellWords] === 0x20) end -= cellWords
  let count = 0
  for (let i = from; i < end; i += cellWords) {
    const code = words[i]!
    if (words[i + 1] === 0) continue
    if (code < 0x10000) units[count++] = code
    else {
      units[count++] = 0xd7c0 + (code >> 10)
      units[count++] = 0xdc00 + (code & 0x3ff)
    }
  }
  return unitBytes.toString('utf16le', 0, count * 2)
}

/** Views of the memory, taken anew when it has grown: then the old ones are empty. */
const createViews = (memory: WebAssembly.Memory) => {
  let bytes = new Uint8Array(memory.buffer)
  let words = new Uint32Array(memory.buffer)
  const renew = () => {
    bytes = new Uint8Array(memory.buffer)
    words = new Uint32Array(memory.buffer)
  }
  return {
    bytes: (): Uint8Array => {
      if (bytes.byteLength === 0) renew()
      return bytes
    },
    words: (): Uint32Array => {
      if (words.byteLength === 0) renew()
      return words
    },
  }
}

/** Reads the terminal at `base`. */
export const createTerminalMemory = (memory: WebAssembly.Memory, base: number) => {
  const views = createViews(memory)
  const wordAt = (address: number): number => views.words()[address >> 2]!
  const word = (offset: number): number => wordAt(base + offset)
  const byte = (offset: number): number => views.bytes()[base + offset]!
  const half = (address: number): number => views.bytes()[address]! | (views.bytes()[address + 1]! << 8)
  /** Not aligned. */
  const looseWord = (address: number): number => (half(address) | (half(address + 2) << 16)) >>> 0

  const readLine = (words: Uint32Array, header: number): Line => {
    const from = words[(header + vec.pointer) >> 2]! >> 2
    const cells = words.slice(from, from + words[(header + vec.length) >> 2]! * cellWords)
    for (let i = 2; i < cells.length; i += cellWords) {
      cells[i] = color(cells[i]!)
      cells[i + 1] = color(cells[i + 1]!)
      cells[i + 2] = attributes(cells[i + 2]!)
    }
    return { cells, isWrapped: (words[(header + wrappedInLine) >> 2]! & 0xff) === 1 }
  }

  const readGrid = (offset: number): Grid => {
    const words = views.words()
    const first = word(offset + inBuffer.lines + vec.pointer)
    const count = word(offset + inBuffer.lines + vec.length)
    const lines = Array.from({ length: count }, (_, i) => readLine(words, first + i * lineBytes))
    return { cols: word(offset + inBuffer.cols), rows: word(offset + inBuffer.rows), lines }
  }

  const pen = (address: number): Pen => ({
    fg: color(looseWord(address)),
    bg: color(looseWord(address + 4)),
    attributes: half(address + 8),
  })

  const savedCursor = (offset: number): SavedCursor => ({
    col: word(offset),
    row: word(offset + 4),
    pen: pen(base + offset + 8),
    isOrigin: byte(offset + 18) === 1,
    isAutoWrap: byte(offset + 19) === 1,
  })

  const tabs = (): number[] => {
    const from = word(at.tabs + vec.pointer)
    return [...views.words().subarray(from >> 2, (from >> 2) + word(at.tabs + vec.length))]
  }

  const cursor = () => ({
    col: word(at.cursor),
    row: word(at.cursor + 4),
    isVisible: byte(at.cursor + 8) === 1,
  })
  const isAlternate = (): boolean => byte(at.isAlternate) === 1

  /** The address of the shown screen's n-th row; negative: what scrolled off. */
  const rowAt = (row: number): number => {
    const hidden = word(at.buffer + inBuffer.lines + vec.length) - word(at.rows)
    return word(at.buffer + inBuffer.lines + vec.pointer) + (hidden + row) * lineBytes
  }

  const parameter = (number: number): string => {
    const from = at.parameters + number * parameterBytes
    const parts = Array.from({ length: word(from) + 1 }, (_, i) => half(base + from + 4 + i * 2))
    return parts.join(':')
  }
  const parser = () => {
    const intermediate = word(at.intermediate)
    const count = word(at.parameterNumber) + 1
    return {
      state: byte(at.parserState),
      intermediate: intermediate === noCharacter ? '' : String.fromCodePoint(intermediate),
      parameters: () => Array.from({ length: count }, (_, i) => parameter(i)).join(';'),
    }
  }

  return {
    /** Begins the sequence anew that is open; '': none is. */
    openSequence: () => openSequence(parser()),
    size: () => ({ cols: word(at.cols), rows: word(at.rows) }),
    cursor,
    isAlternate,
    /** No escape sequence is open. */
    isClean: (): boolean => byte(at.parserState) === 0,
    /** The hidden screen has the size of the shown one, or the cursor saved on it lies within that. */
    hasOneSize: (): boolean =>
      isAlternate()
        ? word(at.otherBuffer + inBuffer.cols) === word(at.cols) &&
          word(at.otherBuffer + inBuffer.rows) === word(at.rows)
        : word(at.alternateSavedCtx) < word(at.cols) && word(at.alternateSavedCtx + 4) < word(at.rows),
    margins: () => ({ top: word(at.topMargin), bottom: word(at.bottomMargin) }),
    /** Lines that have scrolled off and are still kept. */
    hiddenRows: (): number => word(at.buffer + inBuffer.lines + vec.length) - word(at.rows),
    isWrapped: (row: number): boolean => (wordAt(rowAt(row) + wrappedInLine) & 0xff) === 1,
    /** Names a line as long as it exists, wherever it scrolls to. */
    lineId: (row: number): number => wordAt(rowAt(row) + vec.pointer),
    beginsWide: (row: number): boolean => wordAt(wordAt(rowAt(row) + vec.pointer) + 4) === 2,
    /** The row's text; `isWhole`: with the blanks at its end. */
    rowText: (row: number, isWhole = false): string => {
      const header = rowAt(row)
      const from = wordAt(header + vec.pointer) >> 2
      return cellsText(views.words(), from, from + wordAt(header + vec.length) * cellWords, isWhole)
    },
    state: (): TerminalState => {
      const shown = readGrid(at.buffer)
      const alternate = isAlternate()
      const [ofShown, ofOther] = [savedCursor(at.savedCtx), savedCursor(at.alternateSavedCtx)]
      return {
        ...{ cols: word(at.cols), rows: word(at.rows) },
        isAlternate: alternate,
        primary: alternate ? readGrid(at.otherBuffer) : shown,
        alternate: alternate ? shown : null,
        cursor: cursor(),
        saved: alternate ? { primary: ofOther, alternate: ofShown } : { primary: ofShown, alternate: ofOther },
        pen: pen(base + at.pen),
        isDrawing: [byte(at.charsets) === 1, byte(at.charsets + 1) === 1],
        activeCharset: word(at.activeCharset),
        tabs: tabs(),
        topMargin: word(at.topMargin),
        bottomMargin: word(at.bottomMargin),
        isInsert: byte(at.insertMode) === 1,
        isOrigin: byte(at.originMode) === 1,
        isAutoWrap: byte(at.autoWrapMode) === 1,
        isNewLine: byte(at.newLineMode) === 1,
        isCursorKeys: byte(at.cursorKeysMode) === 1,
      }
    },
  }
}
export type TerminalMemory = ReturnType<typeof createTerminalMemory>
