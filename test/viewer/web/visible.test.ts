import test from 'ava'
import { visible } from '../../../viewer/web/src/visible.ts'

test('what turns, hides or moves text is shown as its code point, and ordinary names of all scripts as they are', (t) => {
  t.is(visible('adm\u202enimda\u200b'), 'adm\\u{202e}nimda\\u{200b}')
  t.is(visible('a\u0000b\u001b[2J\r\n\u2028'), 'a\\u{0}b\\u{1b}[2J\\u{d}\\u{a}\\u{2028}')
  t.is(visible('\ud800'), '\\u{d800}')
  for (const name of ['maria', 'Jürgen', 'محمد', '世界', 'domain\\user', 'ls -la "a b"']) t.is(visible(name), name)
})
