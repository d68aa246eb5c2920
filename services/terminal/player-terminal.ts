import { instantiatePlayer } from './player-glue.ts'
import { createTerminalMemory, type TerminalMemory } from './terminal-memory.ts'
import type { TerminalSize } from './terminal-size.ts'

export { clampSize, type TerminalSize } from './terminal-size.ts'

/** The player gives its terminal so many lines to scroll back to; they come back when the screen grows. */
const scrollbackLines = 100

const encoder = new TextEncoder()
let scratch = new Uint8Array(64 * 1024)

/** A row as the player draws it: its characters, and spans of text and background with their colors and attributes. */
export type DrawnLine = { codePoints: number[]; text: number[]; bg: number[]; raster: number[]; vector: number[] }

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

const spans = { bg: 8, text: 12, raster: 12, vector: 16, codePoints: 4 } as const

const wrapped = ({ wasm, handles }: ReturnType<typeof instantiatePlayer>, base: number): PlayerTerminal => {
  const memory = createTerminalMemory(wasm.memory, base)
  const bytesOf = (value: unknown, sizeBytes: number): number[] => {
    const [from, count] = Array.isArray(value) ? value : [0, 0]
    return [...new Uint8Array(wasm.memory.buffer, from, count * sizeBytes)]
  }
  const drawn = (line: Record<string, unknown>): DrawnLine => ({
    codePoints: bytesOf(line.codepoints, spans.codePoints),
    text: bytesOf(line.text, spans.text),
    bg: bytesOf(line.bg, spans.bg),
    raster: bytesOf(line.raster_symbols, spans.raster),
    vector: bytesOf(line.vector_symbols, spans.vector),
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
      const copy = instantiatePlayer()
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
