import { instantiatePlayer } from './player-glue.ts'
import { createTerminalMemory, type TerminalMemory } from './terminal-memory.ts'
import type { TerminalSize } from './terminal-size.ts'

export { clampSize, type TerminalSize } from './terminal-size.ts'

/** The player gives its terminal so many lines to scroll back to; they come back when the screen grows. */
const scrollbackLines = 100

const encoder = new TextEncoder()
let scratch = new Uint8Array(64 * 1024)

/** A row as the player draws it: what the page makes its characters and colors of. */
export type DrawnLine = Record<keyof typeof drawnFields, number[][]>

/** The terminal of the shipped player, without its page. Each has a memory of its own. */
export type PlayerTerminal = {
  /** @throws WebAssembly.RuntimeError the terminal broke; it is of no use any more */
  feed(text: string): void
  resize(cols: number, rows: number): void
  size(): TerminalSize
  /** As the player asks for it; null: hidden. */
  cursor(): { col: number; row: number } | null
  /** As the player asks for it. */
  drawnLine(row: number): DrawnLine
  memory: TerminalMemory
  /** Another terminal in the very same state. */
  clone(): PlayerTerminal
}

// Of the structures in the player's src/vt/src/lib.rs: the bytes that mean something, and where a color begins.
const drawnFields = {
  codepoints: { sizeBytes: 4, fields: [0, 1, 2, 3], color: null },
  text: { sizeBytes: 12, fields: [0, 1, 2, 3, 4, 5, 10], color: 6 },
  bg: { sizeBytes: 8, fields: [0, 1, 2, 3], color: 4 },
  raster_symbols: { sizeBytes: 12, fields: [0, 1, 4, 5, 6, 7], color: 8 },
  vector_symbols: { sizeBytes: 16, fields: [0, 1, 4, 5, 6, 7, 12], color: 8 },
} as const
/** Bytes of a color that mean something, by its first: none, default foreground and background, of the palette, RGB. */
const colorBytes = [1, 1, 1, 2, 4]

const drawnItems = (bytes: Uint8Array, { sizeBytes, fields, color }: (typeof drawnFields)[keyof typeof drawnFields]) =>
  Array.from({ length: bytes.byteLength / sizeBytes }, (_, i) => {
    const item = bytes.subarray(i * sizeBytes, (i + 1) * sizeBytes)
    const own = color === null ? [] : [...item.subarray(color, color + colorBytes[item[color]!]!)]
    return [...fields.map((at) => item[at]!), ...own]
  })

const wrapped = ({ wasm, handles }: ReturnType<typeof instantiatePlayer>, base: number): PlayerTerminal => {
  const memory = createTerminalMemory(wasm.memory, base)
  const itemsOf = (value: unknown, name: keyof typeof drawnFields) => {
    const [from, count] = Array.isArray(value) ? value : [0, 0]
    const bytes = new Uint8Array(wasm.memory.buffer, from, count * drawnFields[name].sizeBytes)
    return drawnItems(bytes, drawnFields[name])
  }
  const drawn = (line: Record<string, unknown>): DrawnLine => ({
    codepoints: itemsOf(line.codepoints, 'codepoints'),
    text: itemsOf(line.text, 'text'),
    bg: itemsOf(line.bg, 'bg'),
    raster_symbols: itemsOf(line.raster_symbols, 'raster_symbols'),
    vector_symbols: itemsOf(line.vector_symbols, 'vector_symbols'),
  })
  return {
    feed: (text) => {
      if (scratch.byteLength < text.length * 3) scratch = new Uint8Array(text.length * 3)
      const { written } = encoder.encodeInto(text, scratch)
      const from = wasm.__wbindgen_export(written, 1)
      new Uint8Array(wasm.memory.buffer, from, written).set(scratch.subarray(0, written))
      handles.ignoring(() => wasm.vt_feed(base, from, written))
    },
    resize: (cols, rows) => {
      handles.ignoring(() => wasm.vt_resize(base, cols, rows))
    },
    size: memory.size,
    cursor: () => {
      const cursor = handles.take(wasm.vt_getCursor(base))
      return Array.isArray(cursor) ? { col: Number(cursor[0]), row: Number(cursor[1]) } : null
    },
    drawnLine: (row) => drawn(Object(handles.take(wasm.vt_getLine(base, row, 0)))),
    memory,
    clone: () => {
      const copy = instantiatePlayer(handles.copy())
      const missing = wasm.memory.buffer.byteLength - copy.wasm.memory.buffer.byteLength
      if (missing > 0) copy.wasm.memory.grow(missing / (64 * 1024))
      new Uint8Array(copy.wasm.memory.buffer).set(new Uint8Array(wasm.memory.buffer))
      return wrapped(copy, base)
    },
  }
}

/** @throws BTZ_PLAYER_TERMINAL */
export const createPlayerTerminal = ({ cols, rows }: TerminalSize): PlayerTerminal => {
  const instance = instantiatePlayer()
  return wrapped(instance, instance.wasm.create(cols, rows, scrollbackLines, 0))
}
