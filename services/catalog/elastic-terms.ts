import type { TextTerm } from '../schema/search-query.ts'
import { type Clause, clausesOf, separator, termsOf } from './analyzer.ts'
import { folded, runsOf } from './search-text.ts'
import { termClauses } from './text-term.ts'

const keptRuns = 20_000
const seenRuns = 2_000
const keptRunChars = 64

/** Of one run, as the inside of a JSON string. */
type RunTerms = { trigrams: string; starts: string }

const inJson = (terms: readonly string[]): string => JSON.stringify(terms.join(' ')).slice(1, -1)

const runTermsOf = (run: string): RunTerms => {
  const { trigrams, starts } = termsOf(run)
  return { trigrams: inJson(trigrams), starts: inJson(starts) }
}

const keep = (runs: Map<string, RunTerms>, limit: number, run: string, terms: RunTerms): void => {
  if (runs.size >= limit) runs.clear()
  runs.set(run, terms)
}

/**
 * The terms of a text as members of a JSON object. Texts of one place repeat their words: what they come to is kept
 * from the second time on, so that most of a text is only put together, and an id that comes once does not stay.
 */
export const createTermMembers = () => {
  const kept = new Map<string, RunTerms>()
  const seen = new Map<string, RunTerms>()
  const ofRun = (run: string): RunTerms => {
    const known = kept.get(run)
    if (known) return known
    const again = seen.get(run)
    const terms = again ?? runTermsOf(run)
    if (again) keep(kept, keptRuns, run, terms)
    else if (run.length <= keptRunChars) keep(seen, seenRuns, run, terms)
    return terms
  }
  return (text: string): string => {
    let trigrams = ''
    let starts = ''
    for (const run of new Set(runsOf(folded(text)))) {
      const terms = ofRun(run)
      if (terms.trigrams !== '') trigrams += trigrams === '' ? terms.trigrams : ` ${separator} ${terms.trigrams}`
      starts += starts === '' ? terms.starts : ` ${terms.starts}`
    }
    return `"trigrams":"${trigrams}","starts":"${starts}"`
  }
}
export type TermMembers = ReturnType<typeof createTermMembers>

export type Filter = Record<string, object>

const filterOf = (clause: Clause): Filter => {
  if (clause.kind === 'start') return { term: { starts: clause.term } }
  const [first, ...more] = clause.trigrams
  if (more.length === 0) return { term: { trigrams: first } }
  return { match_phrase: { trigrams: clause.trigrams.join(' ') } }
}

/** One filter for each word: all of them hold exactly where every word is found. */
export const wordFilters = (words: readonly string[]): Filter[] => clausesOf(words).map(filterOf)

/** A filter that takes every document in which the term stands; `isExact`: and no other. */
export const termFilter = (term: TextTerm): { filter: Filter; isExact: boolean } => {
  const { clauses, isExact } = termClauses(term)
  const [first, ...more] = clauses.map(filterOf)
  return { filter: more.length === 0 ? first! : { bool: { filter: [first!, ...more] } }, isExact }
}
