import test from 'ava'
import { type Piece, wordsInLine } from '../../../viewer/web/src/replay/screen-words.ts'

/** As the player draws it: one piece for each run of the same looks, wide characters alone. */
const piece = (node: string, text: string, column: number): Piece<string> => ({ node, text, column })

test('a word is found on a line over pieces of different colours, whatever its case, as often as it stands there', (t) => {
  const line = [piece('a', 'cat /etc/SHA', 0), piece('b', 'dow; ls shadow', 12)]
  t.deepEqual(wordsInLine(line, ['shadow']), [
    { start: { node: 'a', offset: 9 }, end: { node: 'b', offset: 3 } },
    { start: { node: 'b', offset: 8 }, end: { node: 'b', offset: 14 } },
  ])
})

test('columns that nothing was drawn in are blanks; wide characters take two columns and are one character', (t) => {
  const gap = [piece('a', 'access', 0), piece('b', 'denied', 7)]
  t.deepEqual(wordsInLine(gap, ['access denied']), [{ start: { node: 'a', offset: 0 }, end: { node: 'b', offset: 6 } }])
  t.deepEqual(wordsInLine([piece('a', 'access', 0), piece('b', 'denied', 8)], ['access denied']), [])
  const wide = [piece('a', 'x ', 0), piece('b', '世', 2), piece('c', '界', 4), piece('d', ' y', 6)]
  t.deepEqual(wordsInLine(wide, ['世界 y']), [{ start: { node: 'b', offset: 0 }, end: { node: 'd', offset: 2 } }])
})

test('an empty word, and a line whose letters change their number with their case, mark nothing', (t) => {
  t.deepEqual(wordsInLine([piece('a', 'abc', 0)], ['', 'abcd']), [])
  t.deepEqual(wordsInLine([piece('a', 'İstanbul', 0)], ['bul']), [])
})
