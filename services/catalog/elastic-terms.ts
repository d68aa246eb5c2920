import type { TextTerm } from '../schema/search-query.ts'
import { waysOf } from './elastic-line-terms.ts'
import { isLongWord } from './search-text.ts'

/** A text of a search as a filter of Elasticsearch, which takes exactly the documents in which it stands. */

export type Filter = Record<string, object>

const phrase = (terms: string): Filter =>
  terms.includes(' ') ? { match_phrase: { trigrams: terms } } : { term: { trigrams: terms } }

export const termFilter = (term: TextTerm): Filter => {
  if (!isLongWord(term.text)) return { term: { starts: term.text } }
  const [first, ...more] = waysOf(term.text, term).map(phrase)
  return more.length === 0 ? first! : { bool: { should: [first!, ...more], minimum_should_match: 1 } }
}

/** One filter for each word (wordsOf). */
export const wordFilters = (words: readonly string[]): Filter[] =>
  words.map((text) => termFilter({ text, isPrefix: false }))
