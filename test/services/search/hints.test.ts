import test from 'ava'
import { fields } from '#services/search/fields.ts'
import { hintsOf } from '#services/search/hints.ts'

test('a field that is misspelt, or called otherwise elsewhere, is hinted at, with its place', (t) => {
  const cases: [q: string, written: string, instead: string][] = [
    ['usr:alice', 'usr:', 'user:'],
    ['x -(sudo User:alice)', 'User:', 'user:'],
    ['a bastoin:jump1', 'bastoin:', 'bastion:'],
    ['-sceen:denied', 'sceen:', 'screen:'],
    ['command:"rm -rf"', 'command:', 'cmd:'],
    ['since:2h', 'since:', 'after:'],
    ['durations:1h', 'durations:', 'duration>'],
  ]
  for (const [q, written, instead] of cases) {
    const [hint, ...more] = hintsOf(q)
    t.deepEqual(more, [], q)
    t.is(hint?.instead, instead, q)
    t.is(q.slice(hint?.position.start, hint?.position.end), written)
    t.regex(hint?.message ?? '', new RegExp(`no field ${written.slice(0, -1)}.*did you mean ${instead}`))
  }
})

test('what is a field, is quoted, or looks like none is no hint', (t) => {
  const texts = [
    'http://h:80',
    'C:\\Users',
    'error:',
    'error:1',
    '"usr:alice"',
    'usr\\:alice',
    'usr',
    'a:b',
    '12:30',
    'x',
  ]
  for (const q of [...texts, ...fields.map(({ example }) => example), '', '__proto__:x', 'constructor:x'])
    t.deepEqual(hintsOf(q), [], q)
  t.is(hintsOf('usr:a '.repeat(30)).length, 5)
})
