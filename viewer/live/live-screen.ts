import { createEmulator, type Emulator, restoreEmulator } from '#services/terminal/emulator.ts'
import type { TerminalEvent } from '#services/terminal/terminal-events.ts'
import type { TerminalSize } from '#services/terminal/terminal-size.ts'
import { sameState } from '#services/terminal/terminal-state.ts'
import type { Reset } from './alis-frames.ts'

export const microseconds = ([atSeconds]: TerminalEvent): number => Math.round(atSeconds * 1e6)

/** Of the data of a resize. */
export const sizeOf = (data: string): TerminalSize => {
  const [cols = 0, rows = 0] = data.split('x', 2).map(Number)
  return { cols, rows }
}

/** A session's terminal as it stands now, in the player's own. */
export const createLiveScreen = ({ timeUs, steps }: Reset) => {
  let emulator: Emulator = restoreEmulator(steps)
  let reachedUs = timeUs

  /** Whether the terminal survived it: what breaks it here breaks it in the player, which needs another one then. */
  const write = (text: string): boolean => {
    const size = emulator.size()
    try {
      emulator.write(text)
      return true
    } catch {
      emulator = createEmulator(size)
      return false
    }
  }

  const reset = (): Reset => ({ timeUs: reachedUs, steps: emulator.keyframeSteps() })

  return {
    /** @returns false: everybody needs a reset */
    take: (event: TerminalEvent): boolean => {
      const [, code, data] = event
      reachedUs = Math.max(reachedUs, microseconds(event))
      if (code === 'o') return write(data)
      if (code !== 'r') return true
      const { cols, rows } = sizeOf(data)
      emulator.resize(cols, rows)
      return true
    },
    reset,
    /** Null: a terminal that is given it would not be the same in everything. */
    exactReset: (): Reset | null => {
      const made = reset()
      const restored = restoreEmulator(made.steps).memory
      const { memory } = emulator
      const isSame = restored.openSequence() === memory.openSequence() && sameState(restored.state(), memory.state())
      return isSame ? made : null
    },
  }
}
export type LiveScreen = ReturnType<typeof createLiveScreen>
