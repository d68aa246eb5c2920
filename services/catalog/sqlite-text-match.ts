import { BartizanError } from '../errors.ts'
import type { TextTerm } from '../schema/search-query.ts'
import { type Clause, clausesOf } from './analyzer.ts'
import { isLongWord } from './search-text.ts'
import { type Condition, condition, type Select } from './sqlite-select.ts'
import { allOfThem, type Candidate, chosen } from './sqlite-term-choice.ts'
import { termClauses } from './text-term.ts'
import { userTerm } from './user-term.ts'

/** Words of a search as a query of FTS5 and what has to be checked in the rows it gives. */

const askedTerms = 12 // of a word: spread over it

const spread = <T>(items: readonly T[], count: number): T[] =>
  items.length <= count
    ? [...items]
    : Array.from({ length: count }, (_, n) => items[Math.floor((n * items.length) / count)]!)

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

const trigramsOf = (clause: Clause): string[] => (clause.kind === 'start' ? [clause.term] : clause.trigrams)

/** Queries of FTS5 that each give every row in which the text stands. `isExact`: there is one, and it gives no other. */
export type TermQueries = { queries: string[]; isExact: boolean }

const queriesOf = (clauses: readonly Clause[]): string[] =>
  spread([...new Set(clauses.flatMap(trigramsOf))], askedTerms).map(quoted)

const countedSessions = 1_000

/** Every row of the user. */
export const userCandidate = (select: Select, user: string): Candidate => {
  const all = select.first<{ n: number | null }>('SELECT max(number) AS n FROM session', [])?.n ?? 0
  const share = select.count('session WHERE user = ?', [user], countedSessions) / Math.max(1, all)
  return { query: quoted(userTerm(user)), share }
}

export const termQueries = (term: TextTerm): TermQueries => {
  const { clauses, isExact } = termClauses(term)
  return { queries: queriesOf(clauses), isExact: isExact && clauses.every(isOneTerm) }
}

/** A query of FTS5 that gives every row in which the text stands; `isExact`: and no other. */
export const termMatch = (select: Select, table: string, term: TextTerm): { query: string; isExact: boolean } => {
  const { queries, isExact } = termQueries(term)
  const candidates = queries.map((query) => ({ query }))
  return { query: allOfThem(chosen(select, table, candidates)), isExact }
}

/** The term stands in the column. */
export const hasTerm = (column: string, term: TextTerm): Condition => {
  const { text, isPrefix } = term
  if (isPrefix) return condition(`has_term(${column}, ?, 1)`, text)
  if (text.includes(' ')) return hasPhrase(column, text)
  return isLongWord(text) ? standsIn(column, text) : hasShort(column, text)
}
const hasShort = (column: string, word: string): Condition =>
  /^[\0-\x7f]*$/.test(word) && !word.includes('i')
    ? condition(`instr(lower(${column}), ?) > 0 AND has_word(${column}, ?)`, word, word)
    : condition(`has_word(${column}, ?)`, word)
/** Mostly one space parts its words, and nowhere does it stand without all of them. */
const hasPhrase = (column: string, text: string): Condition => {
  const words = text
    .split(' ')
    .filter(isLongWord)
    .map((word) => standsIn(column, word))
  const all = [...words.map(({ sql }) => `(${sql})`), `has_term(${column}, ?, 0)`].join(' AND ')
  const params = words.flatMap((word) => word.params)
  return condition(`instr(lower(${column}), ?) > 0 OR (${all})`, text, ...params, text)
}

export type TextMatch = { query: string; exactly(column: string): Condition[] }

/** Null without words. @throws BTZ_UNAVAILABLE while the index is made anew */
export const textMatch = (select: Select, table: string, words: readonly string[]): TextMatch | null => {
  if (words.length === 0) return null
  checkIndexed(select)
  const clauses = clausesOf(words)
  const candidates = words.flatMap((word, at) =>
    queriesOf([clauses[at]!]).map((query) => ({ query, proves: isOneTerm(clauses[at]!) ? word : null })),
  )
  const used = chosen(select, table, candidates)
  const checked = words.filter((word) => !used.some(({ proves }) => proves === word))
  return {
    query: allOfThem(used),
    exactly: (column) => checked.map((word) => hasTerm(column, { text: word, isPrefix: false })),
  }
}
