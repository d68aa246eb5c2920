import { clearRows, resize, shownText, textBeforeCursor } from './echo-screen.ts'
import { applyKey, type KeyLine, newKeyLine, textOf } from './key-line.ts'
import { type Key, keyOf, newKeyParser } from './key-parser.ts'
import { takeOutput } from './output.ts'
import { flush, outputListener, resolve, shownNow, textShown } from './taken-lines.ts'
import type { TypedLines, TypedListener } from './typing.ts'

/**
 * Keys and echo → typed lines, without an emulator. A line is what its keys make; where they do not say it (history,
 * completion), what the terminal shows behind the prompt when the shell takes the line.
 */

const limits = { entered: 32, enteredChars: 16_384 } as const

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
