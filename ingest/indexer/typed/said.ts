import type { LineSource } from '#services/schema/session.ts'
import { looksLike, showsLine } from './prompt.ts'
import type { ShownLine } from './shown-line.ts'
import type { EnteredLine } from './typing.ts'

/** What a line says, where that is known from, and how likely it is right to the letter: docs/typed-lines.md. */
export type Said = { text: string; source: LineSource; confidence: number }

/** At most the share of right lines among those known in this way that bench `typed` found. */
export const confidences = {
  both: 0.99, // keys and screen say the same
  screen: 0.98, // behind the prompt that stood there when the line began
  keys: 0.95, // something else was printed in between
  resized: 0.9, // the screen, of another size than when the line began
  guess: 0.7, // the screen, behind what looks like a prompt
  unseen: 0.3, // keys that no line on the screen shows: a program may have taken them one by one
} as const

const lineFeeds = (text: string): number => text.trimEnd().split('\n').length
const ofScreen = (text: string, confidence: number): Said => ({ text, source: 'screen', confidence })

/**
 * A line is what its keys make, if the screen shows the same. Where they differ the screen is right, because keys may
 * mean something else to this editor; unless something else was printed in between, which has line feeds of its own.
 */
export const decide = (line: EnteredLine, { text: echo, isExact }: ShownLine): Said => {
  const { text, unclear, resized } = line
  if (!unclear && looksLike(echo, text)) return { text, source: 'both', confidence: confidences.both }
  if (isExact && !resized && (unclear || lineFeeds(echo) === lineFeeds(text))) return ofScreen(echo, confidences.screen)
  if (unclear) return ofScreen(echo, isExact ? confidences.resized : confidences.guess)
  const isSeen = line.inEditor || showsLine(echo, text)
  return { text, source: 'keys', confidence: isSeen ? confidences.keys : confidences.unseen }
}
