import { type EchoScreen, newEchoScreen } from './echo-screen.ts'
import type { KeyLine } from './key-line.ts'
import { type KeyParser, newKeyParser } from './key-parser.ts'
import type { Said } from './said.ts'

/** What is known between two frames; plain data, so that it can be kept. */

/** A line whose Enter was pressed, and which the program at the terminal has not visibly taken yet. */
export type EnteredLine = {
  text: string
  unclear: boolean
  masked: boolean // some of it was not recorded: what the screen shows of it is all there is
  atMs: number
  prompt: string // '' = not seen
  right: string
  inEditor: boolean // a line editor was reading when it was typed
  resized: boolean // the terminal, while it was typed
  ends: number // line ends shown since
}

export type TypedLines = {
  parser: KeyParser
  screen: EchoScreen
  line: KeyLine | null // being typed
  prompt: string // what stood before it
  right: string
  resized: boolean
  entered: EnteredLine[]
  expanding: { typed: string } | null // the line taken last; the next line shown may be its expansion
  overtaken: string | null // the line whose exec came before the editor was seen to hand it over
  lastPrompt: string
  lastRight: string
  lastShown: string // the line shown last while a line was watched
}

export type ToldLine = Said & {
  atMs: number
  /** The shell runs it now. Otherwise a program read it, or a shell will read it later. */
  taken: boolean
  prompt: string // '' = not seen
}

/** What is told, in this order. */
export type TypedListener = {
  line(line: ToldLine): void
  /** A line was taken whose text is a secret. */
  secretTaken(): void
  /** The line told last turned out to be this. */
  expanded(text: string): void
  /** A line told as not taken is run now, if `shown` ends with it. False: none of them. */
  takenNow(shown: string): boolean
  /** Lines are known that were not taken yet. */
  hasUntaken(): boolean
}

export const newTypedLines = (cols: number | null): TypedLines => ({
  parser: newKeyParser(),
  screen: newEchoScreen(cols),
  line: null,
  prompt: '',
  right: '',
  resized: false,
  entered: [],
  expanding: null,
  overtaken: null,
  lastPrompt: '',
  lastRight: '',
  lastShown: '',
})
