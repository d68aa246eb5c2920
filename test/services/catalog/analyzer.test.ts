import test from 'ava'
import fc from 'fast-check'
import { type Clause, clausesOf, distinctTermsOf, separator, type Terms, termsOf } from '#services/catalog/analyzer.ts'
import { commandText, folded, placeOf, runsOf, wordsOf } from '#services/catalog/search-text.ts'
import { command } from '#test/contract/catalog-place.ts'

const documentOf = (line: string): string => commandText(command(line))

/** What an engine does with phrases. */
const holdsPhrase = (phrase: readonly string[], trigrams: readonly string[]): boolean =>
  trigrams.some((_, at) => phrase.every((trigram, n) => trigrams[at + n] === trigram))

const holds = ({ trigrams, starts }: Terms, clause: Clause): boolean =>
  clause.kind === 'start' ? starts.includes(clause.term) : holdsPhrase(clause.trigrams, trigrams)

const traps = [
  ...['İ', 'I', 'ı', 'i', 'i\u0307', 'ß', 'ẞ', 'SS', 'Σ', 'ς', 'σ', 'ſ', 'K', 'Å', 'Ǆ', 'ﬁ', 'ᾳ', 'Ω', 'Ꮳ', 'ꮳ'],
  ...[
    'e\u0301',
    '\u0301',
    'ä',
    'a\u0308',
    '각',
    '\u1100\u1161',
    '世',
    '😀',
    '👩‍👩‍👧',
    '𝒜',
    '𐐀',
    '𐐨',
    '𝟗',
    '\ue000',
    '\u{10ffff}',
  ],
  ...['\ud83d', '\ude00', '\ufffd', '\ufeff', '\u00a0', '\u0085', '\u2028', '\u3000', '\u200b', '\0', '\x01', '\x7f'],
  ...['\n', '\t', ' ', '  ', '.', '..', '....', '-', '/', '\\', '"', "'", '*', '%', '_', '?', '(', '{', '[', '^', ':'],
  ...['a', 'A', 'b', 'ab', 'aa', 'aaa', 'abc', '0', '10.20', 'é'],
]
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...traps) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 4 }) },
)
const anyText = fc.array(piece, { maxLength: 24 }).map((pieces) => pieces.join(''))

/** A text, and queries of which many are a part of it or nearly so. */
const textAndQuery = anyText.chain((text) =>
  fc.tuple(
    fc.constant(text),
    fc.oneof(
      anyText,
      fc.tuple(fc.nat(text.length), fc.nat(6)).map(([from, length]) => text.slice(from, from + length)),
      fc
        .tuple(fc.nat(text.length), fc.nat(4), fc.nat(4))
        .map(([from, a, b]) => text.slice(from, from + a) + text.slice(from + a + 1, from + a + 1 + b)),
      fc.nat(text.length).map((from) => text.slice(from, from + 5).toUpperCase()),
    ),
  ),
)
const runs = { numRuns: 30_000, seed: 20_261 }

test('a document holds all clauses of a query just when each of its words is found in the text', (t) => {
  const outcomes = { found: 0, not: 0 }
  fc.assert(
    fc.property(textAndQuery, ([line, query]) => {
      const text = documentOf(line)
      const words = wordsOf(query)
      const expected = words.every((word) => placeOf(word, folded(text)) >= 0)
      outcomes[expected && words.length > 0 ? 'found' : 'not']++
      const terms = termsOf(text)
      return clausesOf(words).every((clause) => holds(terms, clause)) === expected
    }),
    runs,
  )
  t.true(outcomes.found > 2_000 && outcomes.not > 2_000, JSON.stringify(outcomes))
})

test('a term is whole characters without white space or control characters, and its length says what it is', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(anyText, (line) => {
        const { trigrams, starts } = termsOf(documentOf(line))
        const plain = (term: string) => term.isWellFormed() && runsOf(term)[0] === term
        return (
          [...trigrams, ...starts].every(plain) &&
          trigrams.every((term) => term === separator || [...term].length === 3) &&
          starts.every((term) => [...term].length <= 2) &&
          new Set(starts).size === starts.length
        )
      }),
      runs,
    ),
  )
})

test('the distinct terms of a text are its terms, each once', (t) => {
  const outcomes = { ascii: 0, other: 0 }
  fc.assert(
    fc.property(fc.oneof(anyText, fc.string({ unit: 'binary-ascii', maxLength: 60 })), (line) => {
      const text = documentOf(line)
      const { trigrams, starts } = termsOf(text)
      outcomes[Buffer.byteLength(text) === text.length ? 'ascii' : 'other']++
      const expected = new Set([...trigrams.filter((trigram) => trigram !== separator), ...starts])
      const distinct = distinctTermsOf(text).split(' ').filter(Boolean)
      return distinct.length === expected.size && distinct.every((term) => expected.has(term))
    }),
    runs,
  )
  t.true(outcomes.ascii > 5_000 && outcomes.other > 5_000, JSON.stringify(outcomes))
})

test('terms of a line, as they are', (t) => {
  t.deepEqual(termsOf('Ls -la  /é😀x '), {
    trigrams: ['-la', separator, '/é😀', 'é😀x'],
    starts: ['l', 'ls', '-', '-l', 'la', '/', '/é', 'é', 'é😀', '😀', '😀x', 'x'],
  })
  t.deepEqual(clausesOf(['abcd', 'abc', '-l', '世']), [
    { kind: 'phrase', trigrams: ['abc', 'bcd'] },
    { kind: 'phrase', trigrams: ['abc'] },
    { kind: 'start', term: '-l' },
    { kind: 'start', term: '世' },
  ])
  t.deepEqual(termsOf(' \n\0 '), { trigrams: [], starts: [] })
})

test('each character folds to one of equal length, alone as in any text, once and for all', (t) => {
  const wrong: string[] = []
  for (let code = 0; code <= 0x10_ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const char = String.fromCodePoint(code)
    const fold = folded(char)
    const asExpected = fold.length === char.length && folded(fold) === fold && folded(`Σ${char}A`) === `σ${fold}a`
    if (!asExpected) wrong.push(code.toString(16))
  }
  t.deepEqual(wrong, [])
})

test('the longest document has a bounded number of terms', (t) => {
  const growsInNfc = '\u0958' // two characters in NFC
  for (const unit of ['a世/😀', growsInNfc, `${growsInNfc}😀`, '-😀']) {
    const text = documentOf(unit.repeat(50_000))
    const { trigrams, starts } = termsOf(text)
    t.true(text.isWellFormed() && text.length <= 64 * 1024, unit)
    t.true(trigrams.length <= text.length && starts.length <= 2 * text.length, unit)
  }
})
