import { type KeyframeStep, keyframeSequence, keyframeSteps } from './keyframe.ts'
import { createPlayerTerminal, type PlayerTerminal } from './player-terminal.ts'
import type { TerminalMemory } from './terminal-memory.ts'
import { clampSize, type TerminalSize } from './terminal-size.ts'
import { type SavedCursor, sameState, type TerminalState } from './terminal-state.ts'

/** Emulates in the very terminal of the player: what it shows is by definition what a viewer will see. */
export type Emulator = {
  /** @throws WebAssembly.RuntimeError the output broke the terminal, as it would in the player: make another */
  write(text: string): void
  /** Clamped to what a terminal can sensibly be. */
  resize(cols: number, rows: number): void
  size(): TerminalSize
  /** Control sequences that bring an empty terminal of this size to this state; it ends with what `isClean` misses. */
  keyframe(): string
  /** The same, tried in another terminal; null: it would not be the same in everything. */
  exactKeyframe(): string | null
  /** What brings an empty terminal to this state in everything, where it may be resized in between. */
  keyframeSteps(): KeyframeStep[]
  /** Nothing hidden, a screen or a cursor saved on it, has another size: a keyframe stays exact whatever comes. */
  hasOneSize(): boolean
  /** The shown screen, without the blanks at the ends. */
  lines(): string[]
  cursor(): { row: number; col: number; isVisible: boolean }
  isAlternate(): boolean
  /** No escape sequence is open: a keyframe may be made. */
  isClean(): boolean
  dispose(): void
  /** Row by row, and what no sequence tells. */
  memory: TerminalMemory
}

/**
 * While a full-screen program runs, the hidden screen keeps the size that it had: its lines flow anew when the program
 * ends. A keyframe knows one size only, so it holds what leaving the program now would bring back.
 */
const forKeyframe = (terminal: PlayerTerminal): TerminalState => {
  const state = terminal.memory.state()
  const { primary, saved, cols, rows } = state
  if (!state.isAlternate) return { ...state, saved: { ...saved, alternate: within(saved.alternate, state) } }
  if (primary.cols === cols && primary.rows === rows) return state
  const left = terminal.clone()
  left.feed('\x1b[?1049l')
  const after = left.memory.state()
  const { col, row } = after.cursor
  return { ...state, primary: after.primary, saved: { ...saved, primary: { ...saved.primary, col, row } } }
}

/** As the terminal does with a saved cursor when its screen is shown again. */
const within = (saved: SavedCursor, { cols, rows }: TerminalSize): SavedCursor => ({
  ...saved,
  col: Math.min(saved.col, cols - 1),
  row: Math.min(saved.row, rows - 1),
})

export const createEmulator = ({ cols, rows, init = '' }: TerminalSize & { init?: string }): Emulator => {
  const terminal = createPlayerTerminal(clampSize({ cols, rows }))
  const { memory } = terminal
  const write = (text: string) => {
    if (text !== '') terminal.feed(text)
  }
  write(init)
  return {
    write,
    resize: (newCols, newRows) => {
      const size = clampSize({ cols: newCols, rows: newRows })
      terminal.resize(size.cols, size.rows)
    },
    size: terminal.size,
    keyframe: () => keyframeSequence(forKeyframe(terminal)) + memory.openSequence(),
    exactKeyframe: () => {
      const state = forKeyframe(terminal)
      const open = memory.openSequence()
      const sequence = keyframeSequence(state) + open
      const restored = createPlayerTerminal(terminal.size())
      if (sequence !== '') restored.feed(sequence)
      return restored.memory.openSequence() === open && sameState(restored.memory.state(), state) ? sequence : null
    },
    keyframeSteps: () => {
      const steps = keyframeSteps(memory.state())
      const last = steps.pop()!
      return [...steps, { ...last, sequence: last.sequence + memory.openSequence() }]
    },
    hasOneSize: memory.hasOneSize,
    lines: () => Array.from({ length: terminal.size().rows }, (_, row) => memory.rowText(row)),
    cursor: memory.cursor,
    isAlternate: memory.isAlternate,
    isClean: memory.isClean,
    dispose: () => {},
    memory,
  }
}

/** In the state that `keyframeSteps` told. */
export const restoreEmulator = ([first, ...rest]: KeyframeStep[]): Emulator => {
  const emulator = createEmulator({ cols: first!.cols, rows: first!.rows, init: first!.sequence })
  for (const { cols, rows, sequence } of rest) {
    emulator.resize(cols, rows)
    emulator.write(sequence)
  }
  return emulator
}
