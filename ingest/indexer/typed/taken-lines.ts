import { keepRow, shownText } from './echo-screen.ts'
import { expansionOf, mayExpand } from './history-expansion.ts'
import type { OutputListener } from './output.ts'
import { showsLine, startsWithPrompt, withoutPrompt } from './prompt.ts'
import { confidences, decide, type Said } from './said.ts'
import { type ShownLine, shownLine, wrappedText } from './shown-line.ts'
import type { EnteredLine, TypedLines, TypedListener } from './typing.ts'

/** When an entered line was taken, and what it says. */

const endsBeforeGivingUp = 8

/** What is shown of a line: `shown` = the line the cursor is on or was on, with its prompt. */
const echoOf = (state: TypedLines, { prompt, right }: EnteredLine, shown: string): ShownLine => {
  const length = prompt === '' ? null : startsWithPrompt(shown, prompt)
  const text = withoutPrompt(shown, [prompt, state.lastPrompt], right || state.lastRight)
  return { text, isExact: length !== null }
}

// Keys that a program took one by one (a pager, "press any key") stand before the line in `typed`, not in the echo.
const isBehindOtherKeys = (state: TypedLines, line: EnteredLine, echo: string, shown: string): boolean =>
  state.lastPrompt !== '' && shown.startsWith(state.lastPrompt) && echo !== '' && line.text.endsWith(echo)

const sayOf = (state: TypedLines, line: EnteredLine, echo: ShownLine, shown: string): Said => {
  if (!line.unclear && isBehindOtherKeys(state, line, echo.text, shown))
    return decide({ ...line, text: echo.text }, echo)
  return decide(line, echo)
}

const learnPrompt = (state: TypedLines, line: EnteredLine, shown: string): void => {
  if (!line.inEditor) return
  if (line.prompt !== '') Object.assign(state, { lastPrompt: line.prompt, lastRight: line.right })
  else if (!line.unclear && showsLine(shown, line.text) && !line.text.includes('\n'))
    state.lastPrompt = shown.trimEnd().slice(0, -line.text.trimEnd().length)
}

/** A secret, or what a program shows in place of one. */
const isSecret = ({ masked }: EnteredLine, { source, text, confidence }: Said): boolean =>
  masked && (source !== 'screen' || confidence < confidences.screen || /^[*•.\s]*$/.test(text))

/** Tells the first entered line; a paste of several is told as several. */
const tell = (state: TypedLines, said: Said, taken: boolean, listener: TypedListener): void => {
  const line = state.entered.shift()!
  const { atMs, prompt } = line
  state.expanding = null
  if (isSecret(line, said)) {
    if (taken && state.screen.editor === 'on') listener.secretTaken()
    return
  }
  const lines = said.text.split('\n').filter((part) => part.trim() !== '')
  for (const [index, part] of lines.entries())
    listener.line({ ...said, text: part.trimEnd(), atMs, prompt, taken: taken && index === 0 })
  state.expanding = taken && lines.length === 1 && mayExpand(said.text) ? { typed: said.text } : null
}

/** `shown`: the line that the cursor is on or was on. */
export const resolve = (state: TypedLines, shown: string, taken: boolean, listener: TypedListener): void => {
  const line = state.entered[0]!
  const said = sayOf(state, line, echoOf(state, line, shown), shown)
  if (taken) learnPrompt(state, line, shown)
  tell(state, said, taken, listener)
}

/** The line editor hands a line to its program: all rows of it are there. */
export const resolveInEditor = (state: TypedLines, shown: string, listener: TypedListener): void => {
  const line = state.entered[0]!
  const echo = shownLine(state.screen, line.prompt, [state.lastPrompt], line.right || state.lastRight)
  const said = sayOf(state, line, echo, shown)
  learnPrompt(state, line, shown)
  tell(state, said, true, listener)
}

const accept = (state: TypedLines, listener: TypedListener): void => {
  const { entered, overtaken } = state
  const shown = shownNow(state)
  state.overtaken = null
  if (overtaken !== null && showsLine(shown, overtaken)) return
  const match = entered.findIndex((line) => !line.unclear && showsLine(shown, line.text))
  if (match < 0 && shown.trim() !== '' && listener.takenNow(shown)) return
  for (let n = 0; n < match; n++) resolve(state, shown, false, listener)
  if (entered.length > 0) resolveInEditor(state, shown, listener)
}

const isCaretEcho = (text: string): boolean => text.includes('^[')

/** A line ended outside a line editor: the program reads lines itself, or there is an editor that does not say so. */
const lineEnd = (state: TypedLines, shown: string, listener: TypedListener): void => {
  const line = state.entered[0]
  const { editor } = state.screen
  if (!line || (editor !== 'unknown' && line.inEditor)) return
  line.ends++
  const isShown = line.unclear ? !isCaretEcho(echoOf(state, line, shown).text) : showsLine(shown, line.text)
  const isAsked = editor === 'unknown' || line.prompt !== ''
  if (isShown || line.ends >= endsBeforeGivingUp) resolve(state, shown, isAsked, listener)
}

const expand = (state: TypedLines, shown: string, listener: TypedListener): void => {
  const { typed } = state.expanding!
  if (shown.includes(typed)) return // zsh ends the row of the line itself only now
  state.expanding = null
  const text = expansionOf(typed, shown)
  if (text !== null) listener.expanded(text)
}

export const flush = (state: TypedLines, listener: TypedListener): void => {
  while (state.entered.length > 0) resolve(state, shownText(state.screen), false, listener)
  state.expanding = null
}

/** The line the cursor is on, or the one before when a new one has just begun. */
export const shownNow = ({ screen, lastShown }: TypedLines): string => {
  const shown = wrappedText(screen)
  return shown.trim() === '' ? lastShown : shown
}

const takeEditor = (state: TypedLines, on: boolean, listener: TypedListener): void => {
  if (on) {
    if (state.line && state.screen.editor === 'off') state.line.early = true
    keepRow(state.screen)
    state.expanding = null
  } else if (state.screen.editor === 'on') {
    accept(state, listener)
    keepRow(state.screen)
    state.lastShown = ''
  }
}

export const outputListener = (state: TypedLines, listener: TypedListener): OutputListener => ({
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
    if (name === 'editor') {
      takeEditor(state, on, listener)
      return
    }
    state.line = null
    if (on) flush(state, listener)
  },
})
