import { BartizanError } from '../errors.ts'
import type { TextTerm } from '../schema/search-query.ts'
import { type Clause, clausesOf } from './analyzer.ts'
import { isLongWord } from './search-text.ts'
import { type Condition, condition, type Select } from './sqlite-select.ts'
import { termClauses } from './text-term.ts'

/** Words of a search as a query of FTS5 and what has to be checked in the rows it gives. */

const trigramChars = 3
const maxTermsPerWord = 16

const spread = <T>(items: readonly T[], count: number): T[] =>
  items.length <= count
    ? [...items]
    : Array.from({ length: count }, (_, n) => items[Math.floor((n * items.length) / count)]!)

/**
 * Terms that together cover the word. The others would leave out few rows more and take longer than checking those:
 * at a million commands searches with all of them took up to twice as long.
 */
const termsOfClause = (clause: Clause): string[] => {
  if (clause.kind === 'start') return [clause.term]
  const { trigrams } = clause
  const covering = trigrams.filter((_, at) => at % trigramChars === 0 || at === trigrams.length - 1)
  return spread([...new Set(covering)], maxTermsPerWord)
}

/** Quoted: nothing in a word is FTS5's syntax. */
const quoted = (term: string): string => `"${term.replaceAll('"', '""')}"`

const isOneTerm = (clause: Clause): boolean => clause.kind === 'start' || clause.trigrams.length === 1

/**
 * The word stands there in one piece. SQLite's lower() changes ASCII alone and no character of a text folds to ASCII but
 * ASCII and İ, so what instr() finds is so. What it misses is asked again by the rules of placeOf, where these can say
 * anything else: a call out of SQLite costs as much as the rest of a row.
 */
const standsIn = (column: string, word: string): Condition => {
  const stands = `instr(lower(${column}), ?) > 0`
  const isAscii = /^[\0-\x7f]*$/.test(word)
  if (isAscii && !word.includes('i')) return condition(stands, word)
  const asked = isAscii ? `instr(${column}, 'İ') > 0 AND has_word(${column}, ?)` : `has_word(${column}, ?)`
  return condition(`${stands} OR (${asked})`, word, word)
}

/** @throws BTZ_UNAVAILABLE while the index is made anew */
export const checkIndexed = (select: Select): void => {
  if (!select.first('SELECT 1 FROM text_rebuild LIMIT 1', [])) return
  throw new BartizanError('BTZ_UNAVAILABLE', 'the search index is being made anew and does not know all texts yet', {
    hint: 'search again in a while: the log says how far it is; lists without a text are answered',
  })
}

const allTerms = (clauses: readonly Clause[]): string =>
  [...new Set(clauses.flatMap(termsOfClause))].map(quoted).join(' ')

/** `isExact`: it gives no row in which the text does not stand. `isRare`: it gives few rows. */
export type TermMatch = { query: string; isExact: boolean; isRare: boolean }

const rareRows = 1_000
const sampleRows = 2_000
const askedTerms = 8 // of a text: spread over it
const usedTerms = 4
const frequent = 0.3 // of all rows

const keyOf = (table: string): string => (table === 'session' ? 'number' : 'time_key')

/** In what share of the latest rows each term is. */
const shares = (select: Select, table: string, terms: readonly string[]): { term: string; share: number }[] => {
  const key = keyOf(table)
  const oldest = select.first<{ key: string }>(
    `SELECT CAST(${key} AS TEXT) AS key FROM ${table} ORDER BY ${key} DESC LIMIT 1 OFFSET ${sampleRows - 1}`,
    [],
  )
  if (oldest === null) return terms.map((term) => ({ term, share: 0 })) // so few rows that any way is fast
  const from = `${table}_text WHERE ${table}_text MATCH ? AND rowid >= ?`
  return terms
    .map((term) => ({ term, share: select.count(from, [quoted(term), BigInt(oldest.key)], sampleRows) / sampleRows }))
    .sort((a, b) => a.share - b.share)
}

const isRare = (select: Select, table: string, term: string): boolean =>
  select.count(`${table}_text WHERE ${table}_text MATCH ?`, [quoted(term)], rareRows) < rareRows

const trigramsOf = (clause: Clause): string[] => (clause.kind === 'start' ? [clause.term] : clause.trigrams)

/**
 * What FTS5 is asked for. Its time is that of the lists of rows it has to go through: terms that nearly every row has
 * tell nothing and cost most, and where one is rare its few rows are looked at.
 */
export const termMatch = (select: Select, table: string, term: TextTerm): TermMatch => {
  const { clauses, isExact } = termClauses(term)
  const terms = [...new Set(clauses.flatMap(trigramsOf))]
  const oneTerm = isExact && clauses.every(isOneTerm)
  const found = oneTerm ? [{ term: terms[0]!, share: 1 }] : shares(select, table, spread(terms, askedTerms))
  const [rarest] = found
  const rare = isRare(select, table, rarest!.term)
  const telling = found.filter(({ share }) => share < frequent).slice(0, usedTerms)
  const used = rare ? [rarest!] : telling.length > 0 ? telling : found.slice(0, 2)
  return { query: used.map((one) => quoted(one.term)).join(' '), isExact: oneTerm, isRare: rare }
}

/** The term stands in the column. */
export const hasTerm = (column: string, term: TextTerm): Condition => {
  const { text, isPrefix } = term
  if (!isPrefix && !text.includes(' ')) return isLongWord(text) ? standsIn(column, text) : hasShort(column, text)
  return condition(`has_term(${column}, ?, ?)`, text, isPrefix ? 1 : 0)
}
const hasShort = (column: string, word: string): Condition =>
  /^[\0-\x7f]*$/.test(word) && !word.includes('i')
    ? condition(`instr(lower(${column}), ?) > 0 AND has_word(${column}, ?)`, word, word)
    : condition(`has_word(${column}, ?)`, word)

export type TextMatch = { query: string; exactly(column: string): Condition[] }

/** Null without words. @throws BTZ_UNAVAILABLE while the index is made anew */
export const textMatch = (select: Select, words: readonly string[]): TextMatch | null => {
  if (words.length === 0) return null
  checkIndexed(select)
  const clauses = clausesOf(words)
  const checked = words.filter((_, n) => !isOneTerm(clauses[n]!))
  return {
    query: allTerms(clauses),
    exactly: (column) => checked.map((word) => standsIn(column, word)),
  }
}
