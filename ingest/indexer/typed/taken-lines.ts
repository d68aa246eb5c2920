import { shownText } from './echo-screen.ts'
import { expansionOf, mayExpand } from './history-expansion.ts'
import type { OutputListener } from './output.ts'
import { showsLine, withoutPrompt } from './prompt.ts'
import type { EnteredLine, TypedLines, TypedListener } from './typing.ts'

/** When an entered line was taken, and what it says. */

const endsBeforeGivingUp = 8

const promptsOf = (state: TypedLines, { prompt }: { prompt: string }): string[] => [prompt, state.lastPrompt]

const echoed = (state: TypedLines, line: EnteredLine, shown: string): string =>
  withoutPrompt(shown, promptsOf(state, line), line.right)

// Keys that a program took one by one (a pager, "press any key") stand before the line in `typed`, not in the echo.
export const textShown = (state: TypedLines, line: EnteredLine, shown: string): string => {
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
export const resolve = (state: TypedLines, shown: string, taken: boolean, listener: TypedListener): void => {
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
  if (isShown || line.ends >= endsBeforeGivingUp) resolve(state, shown, editor === 'unknown', listener)
}

const expand = (state: TypedLines, shown: string, listener: TypedListener): void => {
  const { typed } = state.expanding!
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
  const shown = shownText(screen)
  return shown.trim() === '' ? lastShown : shown
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
