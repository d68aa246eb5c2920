import type { PlayerTerminal } from '#services/terminal/player-terminal.ts'
import type { TerminalEvent } from '#services/terminal/terminal-events.ts'

/** What the shipped player would draw: each cell with its attributes, and the cursor. Asked as the player asks. */
export const drawnScreen = (terminal: PlayerTerminal): string[] => {
  const { cols, rows } = terminal.size()
  const lines = Array.from({ length: rows }, (_, row) => JSON.stringify(terminal.drawnLine(row)))
  return [`${cols}x${rows}`, JSON.stringify(terminal.cursor()), ...lines]
}

/** As the player does with an event. */
export const play = (terminal: PlayerTerminal, event: TerminalEvent | null): void => {
  if (event?.[1] === 'o' && event[2] !== '') terminal.feed(event[2])
  if (event?.[1] !== 'r') return
  const [cols, rows] = event[2].split('x').map(Number)
  terminal.resize(cols!, rows!)
}
