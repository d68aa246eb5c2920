import { clearRows, resize, shownText, textBeforeCursor } from './echo-screen.ts'
import { applyKey, type KeyLine, maxLineBytes, newKeyLine, textOf } from './key-line.ts'
import { type Key, keyOf, newKeyParser } from './key-parser.ts'
import { takeOutput } from './output.ts'
import { isPromptEnd, isPromptOfShell } from './prompt.ts'
import { wrappedText } from './shown-line.ts'
import { flush, outputListener, resolve, resolveInEditor, shownNow } from './taken-lines.ts'
import type { TypedLines, TypedListener } from './typing.ts'

/**
 * Keys and echo → typed lines, without an emulator: docs/decisions/0016-typed-lines.md. A line is what its keys make
 * and the terminal shows; where they differ, what the terminal shows behind the prompt when the shell takes the line.
 */

const limits = { entered: 32 } as const

/** zsh's RPROMPT; what follows the cursor without a gap is a line that zsh suggests. */
const rightOf = ({ screen }: TypedLines, before: string): string => {
  const rest = shownText(screen).slice(before.length)
  return rest.startsWith('  ') ? rest : ''
}

const startLine = (state: TypedLines): KeyLine => {
  const shown = textBeforeCursor(state.screen)
  const { editor } = state.screen
  const isPrompt = state.entered.length === 0 && (editor === 'off' ? isPromptEnd(shown) : true)
  state.prompt = isPrompt ? shown : ''
  state.right = isPrompt ? rightOf(state, shown) : ''
  state.resized = false
  return newKeyLine()
}

const isTooMuch = ({ entered }: TypedLines): boolean =>
  entered.length > limits.entered ||
  (entered.length > 1 && entered.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) > maxLineBytes)

const enter = (state: TypedLines, line: KeyLine | null, atMs: number, listener: TypedListener): void => {
  state.line = null
  if (!line) return
  const { editor } = state.screen
  const inEditor = editor !== 'off'
  const { prompt, right, resized } = state
  const { masked } = line
  if (masked && !isPromptOfShell(prompt)) {
    if (editor === 'on') listener.secretTaken()
    return
  }
  const text = masked ? '' : textOf(line)
  const unclear = line.unclear || masked
  if (!unclear && text.trim() === '' && editor !== 'on') return
  state.entered.push({ text, unclear, masked, atMs, prompt, right, resized, inEditor, ends: 0 })
  while (isTooMuch(state)) resolve(state, '', false, listener)
}

/** Whether keys pressed before the prompt were read by the editor shows behind it, at the next key. */
const settleEarly = (state: TypedLines, line: KeyLine): void => {
  if (!line.early || state.screen.editor !== 'on') return
  line.early = false
  const shown = textBeforeCursor(state.screen)
  const typed = line.before.replaceAll('\n', '')
  const isEcho = typed !== '' && !line.masked && line.after === '' && shown.endsWith(typed)
  const prompt = isEcho ? shown.slice(0, -typed.length) : shown
  if (!isEcho) line.unclear = true
  if (isPromptEnd(prompt)) Object.assign(state, { prompt, right: rightOf(state, shown) })
}

const takeKey = (state: TypedLines, key: Key, atMs: number, listener: TypedListener): void => {
  if (key.type === 'interrupt') state.line = null
  else if (key.type === 'enter') {
    if (state.line) settleEarly(state, state.line)
    enter(state, state.line, atMs, listener)
  } else if (key.type !== 'endOfFile' || state.line) {
    state.line ??= startLine(state)
    settleEarly(state, state.line)
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
  settleEarly(state, state.line)
  state.line.masked = true
}

export const takeShown = (state: TypedLines, data: Uint8Array, listener: TypedListener): void =>
  takeOutput(state.screen, data, outputListener(state, listener))

export const takeResize = (state: TypedLines, cols: number): void => {
  resize(state.screen, cols)
  state.resized = true
}

/**
 * A program was executed. Its record may overtake the echo of the line that ran it: while the editor still seems to
 * read, it is the line entered first.
 */
export const takeExec = (state: TypedLines, mentions: (line: string) => boolean, listener: TypedListener): void => {
  const [line] = state.entered
  if (!line || state.screen.editor === 'off') return
  if (state.screen.editor === 'unknown' && !mentions(line.text)) return
  if (state.screen.editor === 'unknown') {
    resolve(state, shownNow(state), true, listener)
    return
  }
  resolveInEditor(state, shownNow(state), listener)
  state.overtaken = wrappedText(state.screen)
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
