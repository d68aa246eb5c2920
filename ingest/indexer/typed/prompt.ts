/** A shown line → what was typed behind the prompt. */

// What ends the prompts people use, where the prompt itself was not seen. Python's, in which blanks count, end with one.
const usualPrompt = /^(?:(?:>>>|\.\.\.) |.{0,200}?[$#%>❯➜»] +)/u
const promptOfShell = /[$#%>❯➜»] $/u
const promptEnd = /(?:[$#%>❯➜»:?]|>>>|\.\.\.) $/u

/** Whether somebody is asked for a line here. */
export const isPromptEnd = (text: string): boolean => promptEnd.test(text.slice(-8))

/** Whether that looks like a shell's, or a REPL's: whoever asks there shows what is typed. */
export const isPromptOfShell = (text: string): boolean => promptOfShell.test(text.slice(-8))

// Times, counts and numbers of lines in a prompt go on.
export const withoutDigits = (text: string): string => text.replaceAll(/\d/g, '0')

/** Length of the prompt at the start of the shown line; null if it is not there. */
export const startsWithPrompt = (shown: string, prompt: string): number | null => {
  if (shown.startsWith(prompt)) return prompt.length
  return withoutDigits(shown.slice(0, prompt.length)) === withoutDigits(prompt) ? prompt.length : null
}

/** `right`: what stood right of the cursor when the line was empty (zsh's RPROMPT). */
export const withoutRight = (text: string, right: string): string => {
  const [end, trimmed] = [right.trim(), text.trimEnd()]
  const rest = trimmed.slice(0, -end.length)
  const isThere = end !== '' && rest.endsWith(' ') && withoutDigits(trimmed.slice(-end.length)) === withoutDigits(end)
  return isThere ? rest.trimEnd() : text
}

/** `prompts`: those that may stand before the line; the longest that does is cut off. */
export const withoutPrompt = (shown: string, prompts: readonly string[], right: string): string => {
  const lengths = prompts.map((prompt) => (prompt === '' ? 0 : (startsWithPrompt(shown, prompt) ?? 0)))
  const cut = Math.max(0, ...lengths)
  return withoutRight(cut > 0 ? shown.slice(cut) : shown.replace(usualPrompt, ''), right).trimEnd()
}

const spaced = (text: string): string => text.replaceAll(/[\t ]+/g, ' ').trimEnd()
/** Equal but for what a terminal does not tell apart: tabs from blanks, blanks at the end from none. */
export const looksLike = (shown: string, typed: string): boolean => spaced(shown) === spaced(typed)

/** Whether the shown line ends with what the keys made; of several lines the last. */
export const showsLine = (shown: string, typed: string): boolean => {
  const last = spaced(typed.slice(typed.trimEnd().lastIndexOf('\n') + 1))
  return last !== '' && spaced(shown).endsWith(last)
}
