import type { LineSource } from '#services/schema/session.ts'
import { looksLike } from './prompt.ts'
import type { ShownLine } from './shown-line.ts'
import type { EnteredLine } from './typing.ts'

/** What a line says, where that is known from, and how likely it is right to the letter: docs/typed-lines.md. */
export type Said = { text: string; source: LineSource; confidence: number }

/** Shares of right lines among those that bench `typed` found, rounded down. */
export const confidences = { both: 0.99, screen: 0.98, keys: 0.9, guess: 0.5 } as const

const lineFeeds = (text: string): number => text.trimEnd().split('\n').length

/**
 * A line is what its keys make, if the screen shows the same. Where they differ the screen is right, because keys may
 * mean something else to this editor; unless something else was printed in between, which has line feeds of its own.
 */
export const decide = (line: EnteredLine, { text: echo, isExact }: ShownLine): Said => {
  const { text, unclear } = line
  if (!unclear && looksLike(echo, text)) return { text, source: 'both', confidence: confidences.both }
  const isWhole = isExact && !line.resized && (unclear || lineFeeds(echo) === lineFeeds(text))
  if (isWhole) return { text: echo, source: 'screen', confidence: confidences.screen }
  if (!unclear) return { text, source: 'keys', confidence: confidences.keys }
  return { text: echo, source: 'screen', confidence: confidences.guess }
}
