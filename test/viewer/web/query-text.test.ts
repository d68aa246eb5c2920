import test from 'ava'
import { wordsOf } from '../../../viewer/web/src/search/found-words.ts'
import { completed, narrowed, quoted, writtenAt } from '../../../viewer/web/src/search/query-text.ts'

/** `|`: where the caret stands. */
const at = (text: string) => {
  const caret = text.indexOf('|')
  return writtenAt(text.replace('|', ''), caret)
}

test('what is being written is told by the caret: a word, or the value of a field; nothing within a phrase', (t) => {
  t.deepEqual(at('shadow us|'), { start: 7, end: 9, field: null, prefix: 'us' })
  t.deepEqual(at('user:al| x'), { start: 0, end: 7, field: 'user', prefix: 'al' })
  t.deepEqual(at('(-host:d|b OR x)'), { start: 2, end: 9, field: 'host', prefix: 'd' })
  t.deepEqual(at('a |'), { start: 2, end: 2, field: null, prefix: '' })
  t.is(at('screen:"perm|'), null)
  t.deepEqual(at('screen:"a \\" b" us|'), { start: 16, end: 18, field: null, prefix: 'us' })
})

test('a chosen value takes the place of what was written, quoted where it is more than a word', (t) => {
  const written = writtenAt('user:al x', 7)!
  t.deepEqual(completed('user:al x', written, 'user:alice'), { text: 'user:alice x', caret: 10 })
  t.is(quoted('db-1.example'), 'db-1.example')
  t.is(quoted('a "b" \\c'), '"a \\"b\\" \\\\c"')
  t.is(quoted('2001:db8::1'), '"2001:db8::1"')
})

test('a search is narrowed by a facet once', (t) => {
  t.is(narrowed('shadow', 'user', 'alice'), 'shadow user:alice')
  t.is(narrowed('shadow user:alice', 'user', 'alice'), 'shadow user:alice')
  t.is(narrowed('user:alice2', 'user', 'alice'), 'user:alice2 user:alice')
})

test('the words to mark are what was marked in the hits, each once', (t) => {
  const hits = [
    { snippet: 'cat /etc/shadow', highlights: [[9, 15]] as [number, number][] },
    {
      snippet: 'SHADOW of x',
      highlights: [
        [0, 6],
        [10, 11],
      ] as [number, number][],
    },
  ]
  t.deepEqual(wordsOf(hits), ['SHADOW'])
})
