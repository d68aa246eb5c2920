import { separator, termsOf } from './analyzer.ts'
import { folded, isWordChar, runsOf } from './search-text.ts'

/**
 * The terms of a text in their order, so that positions alone say where a word, a phrase or a prefix stands: of each
 * line every three characters, where what parts its runs is one character, `gap`; lines are parted by a separator. A
 * term at whose first character a word begins is marked: it has four characters.
 */

const gap = '\x7f' // parts runs, so none has it; and no tokenizer takes it for white space
const mark = '_'

/** In the field of starts, where all others have one or two characters: by it documents of an older form are told. */
export const formTerm = 'lines'

const markAt = (chars: readonly string[], at: number): string =>
  isWordChar(chars[at]!) && (at === 0 || !isWordChar(chars[at - 1]!)) ? mark : ''

const markedTerms = (chars: readonly string[]): string[] =>
  chars.slice(2).map((char, at) => `${markAt(chars, at)}${chars[at]}${chars[at + 1]}${char}`)

/** Of one line, or of a part of one; none where it has less than three characters. */
export const lineTermsOf = (folded: string): string[] => markedTerms([...runsOf(folded).join(gap)])

const isMarked = (term: string): boolean => [...term].length > 3

/** The terms of a line in which this stands: one after the other in one of these ways. */
export const waysOf = (text: string, { isPrefix }: { isPrefix: boolean }): string[] => {
  const terms = lineTermsOf(text)
  const marked = terms.join(' ')
  // What stands before decides whether a word begins here.
  return !isPrefix && isMarked(terms[0]!) ? [marked.slice(mark.length), marked] : [marked]
}

/** Of one run, as the inside of a JSON string; each term with a space behind it. */
type RunTerms = {
  isOneChar: boolean
  inner: string
  starts: string
  first: string // character
  last: string // character, marked
  entry: string // the term of the gap before it
  exit: string // the term before the gap behind it
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)
const spaced = (terms: readonly string[]): string => inJson(terms.map((term) => `${term} `).join(''))

const runTermsOf = (run: string): RunTerms => {
  const chars = [...run]
  const end = chars.length - 1
  return {
    isOneChar: end === 0,
    inner: spaced(markedTerms(chars)),
    starts: spaced(termsOf(run).starts),
    first: inJson(chars[0]!),
    last: inJson(`${markAt(chars, end)}${chars[end]}`),
    entry: spaced(end === 0 ? [] : [`${gap}${chars[0]}${chars[1]}`]),
    exit: spaced(end === 0 ? [] : [`${markAt(chars, end - 1)}${chars[end - 1]}${chars[end]}${gap}`]),
  }
}

const exitOf = ({ isOneChar, first, exit }: RunTerms, beginsLine: boolean): string => {
  if (!isOneChar) return exit
  return beginsLine ? '' : `${gap}${first}${gap} `
}

const joined = (runs: readonly RunTerms[]): string => {
  let terms = ''
  for (const [at, run] of runs.entries()) {
    const before = at > 0 ? runs[at - 1]! : null
    if (before) terms += `${exitOf(before, at === 1)}${before.last}${gap}${run.first} ${run.entry}`
    terms += run.inner
  }
  return terms
}

const keptRuns = 20_000
const seenRuns = 2_000
const keptRunChars = 64

const keep = (runs: Map<string, RunTerms>, limit: number, run: string, terms: RunTerms): void => {
  if (runs.size >= limit) runs.clear()
  runs.set(run, terms)
}

/** What runs come to is kept from the second time on, so that an id that comes once does not stay. */
const createRuns = (): ((run: string) => RunTerms) => {
  const kept = new Map<string, RunTerms>()
  const seen = new Map<string, RunTerms>()
  return (run) => {
    const known = kept.get(run)
    if (known) return known
    const again = seen.get(run)
    const terms = again ?? runTermsOf(run)
    if (again) keep(kept, keptRuns, run, terms)
    else if (run.length <= keptRunChars) keep(seen, seenRuns, run, terms)
    return terms
  }
}

/**
 * The terms of a text as members of a JSON object. Texts of one place repeat their words, so that most of a text is only
 * put together.
 */
export const createTermMembers = () => {
  const ofRun = createRuns()
  return (text: string): string => {
    let trigrams = ''
    const distinct = new Set<RunTerms>()
    for (const line of new Set(folded(text).split('\n'))) {
      const runs = runsOf(line).map(ofRun)
      for (const run of runs) distinct.add(run)
      const terms = joined(runs)
      if (terms !== '') trigrams += trigrams === '' ? terms : `${separator} ${terms}`
    }
    let starts = ''
    for (const run of distinct) starts += run.starts
    return `"trigrams":"${trigrams}","starts":"${starts}${formTerm}"`
  }
}
export type TermMembers = ReturnType<typeof createTermMembers>
