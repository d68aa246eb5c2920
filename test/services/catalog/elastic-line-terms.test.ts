import test from 'ava'
import fc from 'fast-check'
import { separator, termsOf } from '#services/catalog/analyzer.ts'
import { createTermMembers, formTerm, lineTermsOf, waysOf } from '#services/catalog/elastic-line-terms.ts'
import { commandText, folded, foldedQuery, isLongWord } from '#services/catalog/search-text.ts'
import { termPlace } from '#services/catalog/text-term.ts'
import { command } from '#test/contract/catalog-place.ts'

const documentOf = (line: string): string => commandText(command(line))
const membersOf = (text: string, members = createTermMembers()) =>
  JSON.parse(`{${members(text)}}`) as { trigrams: string; starts: string }

const piece = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...['a', 'b', 'ab', 'abc', '_', 'é', '世', '😀', '\u0301', 'İ', 'Σ', '0', '/', '-', '"', '\\', '.', '....', '*'],
      ...[
        ' ',
        ' ',
        '  ',
        '\t',
        '\r',
        '\n',
        ' \n ',
        '\u00a0',
        '\u2028',
        '\u0000',
        '\u007f',
        '\u0085',
        '\u200b',
        '\ud83d',
      ],
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
)
const anyText = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''))
const textAndQuery = anyText.chain((text) =>
  fc.tuple(
    fc.constant(text),
    fc.oneof(
      anyText,
      fc.tuple(fc.nat(text.length), fc.nat(7)).map(([from, length]) => text.slice(from, from + length)),
      fc
        .tuple(fc.nat(text.length), fc.nat(4), fc.nat(4))
        .map(([from, a, b]) => `${text.slice(from, from + a)} ${text.slice(from + a + 1, from + a + 1 + b)}`),
    ),
    fc.boolean(),
  ),
)
const runs = { numRuns: 20_000, seed: 20_261 }

/** What Elasticsearch does with a phrase. */
const holds = (trigrams: string, phrase: string): boolean => ` ${trigrams} `.includes(` ${phrase} `)

test('a text holds the terms of a word, phrase or prefix one after the other just when it stands there', (t) => {
  const outcomes = { phrases: 0, prefixes: 0, words: 0, not: 0 }
  fc.assert(
    fc.property(textAndQuery, ([line, query, isPrefix]) => {
      const [text, asked] = [documentOf(line), foldedQuery(query)]
      if (!isLongWord(asked)) return true
      const expected = termPlace({ text: asked, isPrefix }, folded(text)) !== null
      outcomes[!expected ? 'not' : isPrefix ? 'prefixes' : asked.includes(' ') ? 'phrases' : 'words']++
      const { trigrams } = membersOf(text)
      return waysOf(asked, { isPrefix }).some((way) => holds(trigrams.replaceAll(/ +/g, ' '), way)) === expected
    }),
    runs,
  )
  for (const [what, count] of Object.entries(outcomes)) t.true(count > 100, `${what}: ${count}`)
})

test('terms that are put together of runs that were kept are those of the lines', (t) => {
  const members = createTermMembers()
  t.notThrows(() =>
    fc.assert(
      fc.property(anyText, (line) => {
        const text = documentOf(line)
        const lines = [...new Set(folded(text).split('\n'))].map(lineTermsOf).filter(({ length }) => length > 0)
        const { trigrams, starts } = membersOf(text, members)
        const expected = new Set([...termsOf(text).starts, formTerm])
        return (
          trigrams.trim() === lines.map((terms) => terms.join(' ')).join(` ${separator} `) &&
          new Set(starts.split(' ')).symmetricDifference(expected).size === 0
        )
      }),
      runs,
    ),
  )
})

test('terms of lines, as they are', (t) => {
  t.deepEqual(lineTermsOf('ls  -la /é😀x'), [
    ...['_ls\x7f', 's\x7f-', '\x7f-l', '-la', '_la\x7f', 'a\x7f/', '\x7f/é', '/é😀', '_é😀x'],
  ])
  t.deepEqual(waysOf('app-1', { isPrefix: false }), ['app pp- p-1', '_app pp- p-1'])
  t.deepEqual(waysOf('app-1', { isPrefix: true }), ['_app pp- p-1'])
  t.deepEqual(waysOf('-la', { isPrefix: true }), ['-la'])
  t.deepEqual(lineTermsOf('ls'), [])
})
