/** A shown line → what was typed behind the prompt. */

// What ends the prompts people use, where the prompt itself was not seen.
const usualPrompt = /^.{0,200}?(?:[$#%>❯➜»]|>>>|\.\.\.) +/u

/**
 * `prompts`: those that may stand before the line; the longest that does is cut off. `right`: what stood right of the
 * cursor when the line was empty (zsh's RPROMPT).
 */
export const withoutPrompt = (shown: string, prompts: readonly string[], right: string): string => {
  const fitting = prompts.filter((prompt) => prompt !== '' && shown.startsWith(prompt))
  const cut = fitting.reduce((longest, prompt) => Math.max(longest, prompt.length), 0)
  const rest = cut > 0 ? shown.slice(cut) : shown.replace(usualPrompt, '')
  const end = right.trim()
  return (end !== '' && rest.trimEnd().endsWith(end) ? rest.trimEnd().slice(0, -end.length) : rest).trimEnd()
}

/** Whether the shown line ends with what the keys made; of several lines the last. */
export const showsLine = (shown: string, typed: string): boolean => {
  const last = typed.slice(typed.lastIndexOf('\n') + 1).trimEnd()
  return last !== '' && shown.trimEnd().endsWith(last)
}
