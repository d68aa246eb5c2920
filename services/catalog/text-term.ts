import type { TextTerm } from '../schema/search-query.ts'
import { type Clause, clausesOf } from './analyzer.ts'
import { charBefore, isLongWord, isWordChar, placeOf } from './search-text.ts'

/** Where a term of a search stands, and what an index has to hold for it: the same for every catalog. */

/** Between words of a phrase; a line's end parts it. */
const between =
  '[\\u0000-\\u0009\\u000b-\\u001f\\u007f\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff]+'
const wordsIn = (text: string): string[] => text.split(' ')

const keptPatterns = 64
const patterns = new Map<string, RegExp>()
const patternOf = (text: string): RegExp => {
  const known = patterns.get(text)
  if (known) return known
  if (patterns.size >= keptPatterns) patterns.clear()
  const pattern = new RegExp(wordsIn(text).map(RegExp.escape).join(between), 'g')
  patterns.set(text, pattern)
  return pattern
}

/** Before a character that is part of no word, every place begins one. */
const beginsWord = (text: string, at: number): boolean =>
  at === 0 || !isWordChar(String.fromCodePoint(text.codePointAt(at) ?? 0)) || !isWordChar(charBefore(text, at))

export type TextPlace = { start: number; end: number }

const anyPlace = (text: string, folded: string, from: number): TextPlace | null => {
  if (!text.includes(' ')) {
    const start = folded.indexOf(text, from)
    return start < 0 ? null : { start, end: start + text.length }
  }
  const pattern = patternOf(text)
  pattern.lastIndex = from
  const found = pattern.exec(folded)
  return found && { start: found.index, end: found.index + found[0].length }
}

/** The first place from `from` on in a folded text, in UTF-16 units; null: nowhere. */
export const termPlace = ({ text, isPrefix }: TextTerm, folded: string, from = 0): TextPlace | null => {
  if (!isPrefix && !text.includes(' ')) {
    const start = placeOf(text, folded, from)
    return start < 0 ? null : { start, end: start + text.length }
  }
  for (let at = from; ; ) {
    const place = anyPlace(text, folded, at)
    if (place === null || !isPrefix || beginsWord(folded, place.start)) return place
    at = place.start + 1
  }
}

export type TermClauses = { clauses: Clause[] /** They hold exactly where the term stands. */; isExact: boolean }

/** What a document's terms have to hold where this stands in it. */
export const termClauses = ({ text, isPrefix }: TextTerm): TermClauses => {
  const words = wordsIn(text)
  if (words.length === 1) return { clauses: clausesOf(words), isExact: !isPrefix || !isLongWord(text) }
  const [first, ...others] = words
  const begins = isPrefix || isLongWord(first!) ? [first!] : [] // else it may be the end of a longer word
  return { clauses: clausesOf([...begins, ...others]), isExact: false }
}
