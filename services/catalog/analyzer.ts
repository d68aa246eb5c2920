import { folded, isLongWord, isWordChar, runsOf } from './search-text.ts'

/**
 * Texts and words of a search as terms, for engines that index terms: the same for every catalog, so that they find
 * the same. A character is a code point, since half a surrogate pair has no form in UTF-8. A term holds no white space
 * and no control character: engines index terms joined by spaces, with a tokenizer that splits there and changes
 * nothing.
 */

const windowChars = 3

/** Never part of a query: a trigram has three characters, a start one or two. */
export const separator = '....'

/**
 * `trigrams`: each three characters that stand together, in order, with a separator where white space parts them.
 * `starts`: the one or two characters that a short word may be found by, each once; none is a trigram.
 */
export type Terms = { trigrams: string[]; starts: string[] }

/** `phrase`: these trigrams, one right after the other. `start`: this start. */
export type Clause = { kind: 'phrase'; trigrams: string[] } | { kind: 'start'; term: string }

/** By index: the text itself where every code point is one unit. */
const charsOf = (text: string): string | string[] => (/[\ud800-\udfff]/.test(text) ? [...text] : text)

const windowOf = (chars: string | string[], from: number, to: number): string =>
  typeof chars === 'string' ? chars.slice(from, to) : chars.slice(from, to).join('')

const trigramsOf = (run: string): string[] => {
  const chars = charsOf(run)
  return Array.from({ length: Math.max(0, chars.length - windowChars + 1) }, (_, at) =>
    windowOf(chars, at, at + windowChars),
  )
}

/** Where placeOf finds a word of one or two characters: where a word begins, and anywhere by another character. */
const addStarts = (run: string, starts: Set<string>): void => {
  const chars = charsOf(run)
  let inWord = false
  for (let at = 0; at < chars.length; at++) {
    const wordChar = isWordChar(chars[at]!)
    if (!wordChar || !inWord) {
      starts.add(chars[at]!)
      starts.add(windowOf(chars, at, at + 2))
    }
    inWord = wordChar
  }
}

/** The terms of a document's text (sessionText, commandText, eventText): at most one trigram per character. */
export const termsOf = (text: string): Terms => {
  const trigrams: string[] = []
  const starts = new Set<string>()
  for (const run of runsOf(folded(text))) {
    addStarts(run, starts)
    const more = trigramsOf(run)
    if (trigrams.length > 0 && more.length > 0) trigrams.push(separator)
    for (const trigram of more) trigrams.push(trigram)
  }
  return { trigrams, starts: [...starts] }
}

/**
 * What a document's terms have to hold so that each of these words (wordsOf) is found in it by placeOf: exactly this,
 * no more and no less.
 */
export const clausesOf = (words: readonly string[]): Clause[] =>
  words.map((word) =>
    isLongWord(word) ? { kind: 'phrase', trigrams: trigramsOf(word) } : { kind: 'start', term: word },
  )
