import { parseAlisMessage } from '#hooks/asciinema-live/alis-message.ts'
import type { Frame } from '#services/recordings/format/frame-batch.ts'
import { createPlayerTerminal, type PlayerTerminal } from '#services/terminal/player-terminal.ts'
import { createTerminalEvents } from '#services/terminal/terminal-events.ts'

/** What the terminal shows, cell by cell, with colors and cursor: a line each. */
export const drawn = (terminal: PlayerTerminal): string[] => {
  const { primary, alternate, rows, cols, cursor } = terminal.memory.state()
  const shown = (alternate ?? primary).lines.slice(-rows)
  return [JSON.stringify({ cols, rows, cursor }), ...shown.map(({ cells }) => cells.join(' '))]
}

/** Takes messages of a live stream as the player does. */
export const createAlisPlayer = () => {
  let terminal: PlayerTerminal | null = null
  let timeUs = 0
  const seen = {
    resets: [] as number[], // their times
    inputs: [] as string[],
    markers: [] as string[],
    times: [] as number[], // of all that is no reset
    exit: null as number | null,
    isOver: false,
    timeUs: () => timeUs,
    terminal: () => terminal!,
  }
  const take = (bytes: Uint8Array): void => {
    const message = parseAlisMessage(bytes)
    if (message.type === 'init') {
      timeUs = Number(message.timeUs)
      seen.resets.push(timeUs)
      terminal = createPlayerTerminal({ cols: message.cols, rows: message.rows })
      terminal.feed(Buffer.from(message.screen).toString())
      return
    }
    if (message.type === 'magic') return
    timeUs += Number(message.delayUs)
    seen.times.push(timeUs)
    if (message.type === 'output') terminal!.feed(Buffer.from(message.text).toString())
    if (message.type === 'resize') terminal!.resize(message.cols, message.rows)
    if (message.type === 'input') seen.inputs.push(Buffer.from(message.text).toString())
    if (message.type === 'marker') seen.markers.push(Buffer.from(message.text).toString())
    if (message.type === 'exit') seen.exit = Number(message.status)
    if (message.type === 'end') seen.isOver = true
  }
  return { seen, take }
}
export type AlisPlayer = ReturnType<typeof createAlisPlayer>

/** The same frames, all of them from the first on, in the player's terminal. */
export const linearReplay = (frames: readonly Frame[], size = { cols: 80, rows: 24 }): PlayerTerminal => {
  const terminal = createPlayerTerminal(size)
  const toEvent = createTerminalEvents()
  let atNs = 0n
  for (const frame of frames) {
    atNs += frame.delayNs
    const event = toEvent({ ...frame, atNs })
    if (event?.[1] === 'o') terminal.feed(event[2])
    if (event?.[1] === 'r') {
      const [cols, rows] = event[2].split('x').map(Number)
      terminal.resize(cols!, rows!)
    }
  }
  return terminal
}
