import { folded, isLongWord, isWordChar, runsOf } from './search-text.ts'

/**
 * Texts and words of a search as terms, for engines that index terms: the same for every catalog, so that they find
 * the same. A character is a code point, since half a surrogate pair has no form in UTF-8. A term holds no white space
 * and no control character: engines index terms joined by spaces, with a tokenizer that splits there and changes
 * nothing.
 */

/** Never part of a query: a trigram has three characters, a start one or two. */
export const separator = '....'

/**
 * `trigrams`: each three characters that stand together, in order, with a separator where white space parts them.
 * `starts`: the one or two characters that a short word may be found by, each once; none is a trigram.
 */
export type Terms = { trigrams: string[]; starts: string[] }

/** `phrase`: these trigrams, one right after the other. `start`: this start. */
export type Clause = { kind: 'phrase'; trigrams: string[] } | { kind: 'start'; term: string }

/**
 * `from`, `to`: where the term stands, in UTF-16 units. `key`: its characters in 7 bits each, which tells it from all
 * others of an ASCII text.
 */
type Found = (from: number, to: number, key: number) => void
type EachTerm = { trigram: Found; start: Found; gap(): void }

const [gap, word, other] = [0, 1, 2]
const kindOf = (char: string): number => (runsOf(char).length === 0 ? gap : isWordChar(char) ? word : other)

const asciiChars = 128
const bitsPerAscii = 7
const asciiKinds = Uint8Array.from({ length: asciiChars }, (_, code) => kindOf(String.fromCharCode(code)))

/**
 * Starts are where placeOf finds a word of one or two characters: where a word begins, and at any other character that
 * is no white space.
 */
const eachTerm = (text: string, each: EachTerm): void => {
  let [run, first, second, key] = [0, 0, 0, 0] // characters since the last gap, and where the latest two of them stand
  let [began, inWord] = [false, false]
  for (let at = 0, end = 0; at < text.length; at = end) {
    const code = text.codePointAt(at)!
    end = at + (code > 0xffff ? 2 : 1)
    const kind = code < asciiChars ? asciiKinds[code] : kindOf(text.slice(at, end))
    if (kind === gap) {
      if (run > 0) each.gap()
      run = 0
      began = inWord = false
      continue
    }
    key = (key << bitsPerAscii) | code
    if (began) each.start(second, end, key & 0x3fff)
    began = kind === other || !inWord
    if (began) each.start(at, end, code)
    if (run >= 2) each.trigram(first, end, key & 0x1f_ffff)
    inWord = kind === word
    first = second
    second = at
    run++
  }
}

/** The terms of a document's text (sessionText, commandText, eventText): at most one trigram per character. */
export const termsOf = (text: string): Terms => {
  const fold = folded(text)
  const trigrams: string[] = []
  const starts = new Set<string>()
  let parted = false
  eachTerm(fold, {
    trigram: (from, to) => {
      if (parted) trigrams.push(separator)
      parted = false
      trigrams.push(fold.slice(from, to))
    },
    start: (from, to) => starts.add(fold.slice(from, to)),
    gap: () => {
      parted = trigrams.length > 0
    },
  })
  return { trigrams, starts: [...starts] }
}

const distinctOfAny = (fold: string): string => {
  const terms = new Set<string>()
  const add = (from: number, to: number): void => void terms.add(fold.slice(from, to))
  eachTerm(fold, { trigram: add, start: add, gap: () => undefined })
  return [...terms].join(' ')
}

const seenTerms = new Uint8Array(1 << (3 * bitsPerAscii))

/** Up to three characters of 7 bits each; none of them is NUL. */
const joinedTerms = (keys: readonly number[]): string => {
  const bytes = Buffer.allocUnsafe(keys.length * 4)
  let end = 0
  for (const key of keys) {
    for (let shift = 2 * bitsPerAscii; shift >= 0; shift -= bitsPerAscii) {
      const code = (key >> shift) & 0x7f
      if (code > 0) bytes[end++] = code
    }
    bytes[end++] = 0x20
  }
  return bytes.toString('latin1', 0, Math.max(0, end - 1))
}

/** Several times as fast as a set of strings, and nearly every text is ASCII: indexing spends much of its time here. */
const distinctOfAscii = (fold: string): string => {
  const keys: number[] = []
  const add = (_from: number, _to: number, key: number): void => {
    if (seenTerms[key] === 1) return
    seenTerms[key] = 1
    keys.push(key)
  }
  eachTerm(fold, { trigram: add, start: add, gap: () => undefined })
  for (const key of keys) seenTerms[key] = 0
  return joinedTerms(keys)
}

/** The trigrams and starts of a text, each once and joined by spaces, for engines that keep no places of terms. */
export const distinctTermsOf = (text: string): string => {
  const fold = folded(text)
  return /[^\0-\x7f]/.test(fold) ? distinctOfAny(fold) : distinctOfAscii(fold)
}

/**
 * What a document's terms have to hold so that each of these words (wordsOf) is found in it by placeOf: exactly this,
 * no more and no less.
 */
export const clausesOf = (words: readonly string[]): Clause[] =>
  words.map((word) =>
    isLongWord(word) ? { kind: 'phrase', trigrams: termsOf(word).trigrams } : { kind: 'start', term: word },
  )
