import { clearRows, type EchoScreen, newEchoScreen, resize, shownText, textBeforeCursor } from './echo-screen.ts'
import { expansionOf, mayExpand } from './history-expansion.ts'
import { applyKey, type KeyLine, newKeyLine, textOf } from './key-line.ts'
import { type Key, type KeyParser, keyOf, newKeyParser } from './key-parser.ts'
import { type OutputListener, takeOutput } from './output.ts'
import { showsLine, withoutPrompt } from './prompt.ts'

/**
 * Keys and echo → typed lines, without an emulator. A line is what its keys make; where they do not say it (history,
 * completion), what the terminal shows behind the prompt when the shell takes the line.
 */

/** A line whose Enter was pressed, and which the program at the terminal has not visibly taken yet. */
type EnteredLine = {
  text: string
  unclear: boolean
  atMs: number
  prompt: string
  right: string
  inEditor: boolean // a line editor was reading when it was typed
  ends: number // line ends shown since
}

export type TypedLines = {
  parser: KeyParser
  screen: EchoScreen
  line: KeyLine | null // being typed
  prompt: string // what stood before it
  right: string
  entered: EnteredLine[]
  expanding: { typed: string } | null // the line taken last; the next line shown may be its expansion
  overtaken: string | null // the line whose exec came before the editor was seen to hand it over
  lastPrompt: string
  lastShown: string // the line shown last while a line was watched
}

/** What is told, in this order. */
export type TypedListener = {
  /** `taken`: the shell runs it now. Otherwise a program read it, or a shell will read it later. Null text: a line
   * was taken whose text is a secret. */
  line(text: string | null, atMs: number, taken: boolean): void
  /** The line told last turned out to be this. */
  expanded(text: string): void
  /** A line told as not taken is run now, if `shown` ends with it. False: none of them. */
  takenNow(shown: string): boolean
  /** Lines are known that were not taken yet. */
  hasUntaken(): boolean
}

const limits = { entered: 32, enteredChars: 16_384, endsBeforeGivingUp: 8 } as const

export const newTypedLines = (cols: number | null): TypedLines => ({
  parser: newKeyParser(),
  screen: newEchoScreen(cols),
  line: null,
  prompt: '',
  right: '',
  entered: [],
  expanding: null,
  overtaken: null,
  lastPrompt: '',
  lastShown: '',
})

const promptsOf = (state: TypedLines, { prompt }: { prompt: string }): string[] => [prompt, state.lastPrompt]

const echoed = (state: TypedLines, line: EnteredLine, shown: string): string =>
  withoutPrompt(shown, promptsOf(state, line), line.right)

// Keys that a program took one by one (a pager, "press any key") stand before the line in `typed`, not in the echo.
const textShown = (state: TypedLines, line: EnteredLine, shown: string): string => {
  const echo = echoed(state, line, shown)
  if (line.unclear) return echo
  const knowsPrompt = state.lastPrompt !== '' && shown.startsWith(state.lastPrompt)
  return knowsPrompt && echo !== '' && line.text.endsWith(echo) ? echo : line.text
}

const learnPrompt = (state: TypedLines, line: EnteredLine, shown: string): void => {
  if (line.inEditor && !line.unclear && showsLine(shown, line.text) && !line.text.includes('\n')) {
    state.lastPrompt = shown.trimEnd().slice(0, -line.text.trimEnd().length)
  } else if (line.inEditor && line.prompt !== '') state.lastPrompt = line.prompt
}

/** Tells the first entered line; a paste of several is told as several. */
const resolve = (state: TypedLines, shown: string, taken: boolean, listener: TypedListener): void => {
  const line = state.entered.shift()!
  const text = textShown(state, line, shown)
  if (taken) learnPrompt(state, line, shown)
  const lines = text.split('\n').filter((part) => part.trim() !== '')
  for (const [index, part] of lines.entries()) listener.line(part.trimEnd(), line.atMs, taken && index === 0)
  state.expanding = taken && lines.length === 1 && mayExpand(text) ? { typed: text } : null
}

/** The line editor hands a line to its program. */
const accept = (state: TypedLines, shown: string, listener: TypedListener): void => {
  const { entered, overtaken } = state
  state.overtaken = null
  if (overtaken !== null && showsLine(shown, overtaken)) return
  const match = entered.findIndex((line) => !line.unclear && showsLine(shown, line.text))
  if (match < 0 && shown.trim() !== '' && listener.takenNow(shown)) return
  for (let n = 0; n < match; n++) resolve(state, shown, false, listener)
  if (entered.length > 0) resolve(state, shown, true, listener)
}

const isCaretEcho = (text: string): boolean => text.includes('^[')

/** A line ended outside a line editor: the program reads lines itself, or there is an editor that does not say so. */
const lineEnd = (state: TypedLines, shown: string, listener: TypedListener): void => {
  const line = state.entered[0]
  const { editor } = state.screen
  if (!line || (editor !== 'unknown' && line.inEditor)) return
  line.ends++
  const isShown = line.unclear ? !isCaretEcho(echoed(state, line, shown)) : showsLine(shown, line.text)
  if (isShown || line.ends >= limits.endsBeforeGivingUp) resolve(state, shown, editor === 'unknown', listener)
}

const expand = (state: TypedLines, shown: string, listener: TypedListener): void => {
  const { typed } = state.expanding!
  state.expanding = null
  const text = expansionOf(typed, shown)
  if (text !== null) listener.expanded(text)
}

const flush = (state: TypedLines, listener: TypedListener): void => {
  while (state.entered.length > 0) resolve(state, shownText(state.screen), false, listener)
  state.expanding = null
}

/** The line the cursor is on, or the one before when a new one has just begun. */
const shownNow = ({ screen, lastShown }: TypedLines): string => {
  const shown = shownText(screen)
  return shown.trim() === '' ? lastShown : shown
}

const outputListener = (state: TypedLines, listener: TypedListener): OutputListener => ({
  // A program that reads lines itself shows nothing that would have to be kept while one is typed.
  watches: () =>
    (state.line !== null && state.screen.editor !== 'off') ||
    state.entered.length > 0 ||
    state.expanding !== null ||
    listener.hasUntaken(),
  lineEnd: (shown) => {
    state.lastShown = shown
    if (state.expanding && state.screen.editor !== 'on') expand(state, shown, listener)
    else lineEnd(state, shown, listener)
  },
  mode: (name, on) => {
    if (name === 'alternate') {
      state.line = null
      if (on) flush(state, listener)
      return
    }
    // Whether the keys before were read by someone else shows only in the echo.
    if (on && state.line && state.screen.editor === 'off') state.line.unclear = true
    if (on) state.expanding = null
    if (on || state.screen.editor !== 'on') return
    accept(state, shownNow(state), listener)
    state.lastShown = ''
  },
})

const startLine = (state: TypedLines): KeyLine => {
  const shown = textBeforeCursor(state.screen)
  const isPrompt = state.entered.length === 0 && state.screen.editor !== 'off'
  state.prompt = isPrompt ? shown : ''
  state.right = isPrompt ? shownText(state.screen).slice(shown.length) : ''
  return newKeyLine()
}

const enter = (state: TypedLines, line: KeyLine | null, atMs: number, listener: TypedListener): void => {
  state.line = null
  if (!line) return
  const inEditor = state.screen.editor !== 'off'
  if (line.masked) {
    if (inEditor && state.screen.editor === 'on') listener.line(null, atMs, true)
    return
  }
  const text = textOf(line)
  if (!line.unclear && text.trim() === '') return
  const { prompt, right } = state
  state.entered.push({ text, unclear: line.unclear, atMs, prompt, right, inEditor, ends: 0 })
  const chars = (): number => state.entered.reduce((sum, one) => sum + one.text.length, 0)
  while (state.entered.length > limits.entered || chars() > limits.enteredChars) resolve(state, '', false, listener)
}

const takeKey = (state: TypedLines, key: Key, atMs: number, listener: TypedListener): void => {
  if (key.type === 'interrupt') state.line = null
  else if (key.type === 'enter') enter(state, state.line, atMs, listener)
  else if (key.type !== 'endOfFile' || state.line) {
    state.line ??= startLine(state)
    applyKey(state.line, key)
  }
}

/** `atMs`: since the session's start. */
export const takeTyped = (state: TypedLines, data: Uint8Array, atMs: number, listener: TypedListener): void => {
  for (const byte of data) {
    const key = keyOf(state.parser, byte)
    if (key !== null && !state.screen.alternate) takeKey(state, key, atMs, listener)
  }
}

/** A secret was typed here and not recorded: the line it belongs to is none. */
export const takeMasked = (state: TypedLines): void => {
  if (state.screen.alternate) return
  state.line ??= startLine(state)
  state.line.masked = true
}

export const takeShown = (state: TypedLines, data: Uint8Array, listener: TypedListener): void =>
  takeOutput(state.screen, data, outputListener(state, listener))

export const takeResize = (state: TypedLines, cols: number): void => resize(state.screen, cols)

/**
 * A program was executed. Its record may overtake the echo of the line that ran it: while the editor still seems to
 * read, it is the line entered first.
 */
export const takeExec = (state: TypedLines, mentions: (line: string) => boolean, listener: TypedListener): void => {
  const [line] = state.entered
  if (!line || state.screen.editor === 'off') return
  if (state.screen.editor === 'unknown' && !mentions(line.text)) return
  state.overtaken = state.screen.editor === 'on' ? textShown(state, line, shownNow(state)) : null
  resolve(state, shownNow(state), true, listener)
}

/** The end of the recording, or a gap in it: what was entered is told, what was being typed is not known. */
export const endTyping = (state: TypedLines, listener: TypedListener): void => {
  flush(state, listener)
  state.parser = newKeyParser()
  state.line = null
  state.overtaken = null
  clearRows(state.screen)
  state.screen.phase = 'ground'
}
